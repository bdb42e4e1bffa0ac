"""Subcommands beside fit, validate and test: one typed function a file, whose signature and docstring are the CLI."""
