"""Any number of photos through a finished model, into a table that grows as they go: ``predict``."""
