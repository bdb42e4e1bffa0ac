"""One look at every photo of a folder: facts, features and near-duplicates."""
