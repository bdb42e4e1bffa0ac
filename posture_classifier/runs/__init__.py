"""A run folder on the disk: its files, reading them, and resuming."""
