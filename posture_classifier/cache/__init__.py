"""Files of values that can be computed again: where they are, what they were computed from, tensors in files."""
