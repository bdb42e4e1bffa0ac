"""What can be computed again: where it lies, what it was computed from, and tensors in files."""
