"""Faults of an image folder: damaged files, copies, leaks, shortcuts and probable label errors."""
