"""A finished model in other formats, each with its proof that it answers as the checkpoint does."""
