"""Many fits: cross-validation, search, and the GPUs that they run on."""
