"""One ``fit``: the command line built on LightningCLI, its messages, and its checkpoints."""
