"""What an image folder becomes: files, labels, groups, splits, pixels and batches."""
