"""Files of values that can be computed again, and hashes of what they were computed from."""
