"""Any number of photos through a finished model into a table: ``predict``."""
