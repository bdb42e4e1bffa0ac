"""Subcommands, one typed function a file: its signature and docstring are the command line."""
