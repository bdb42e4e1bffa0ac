"""The command line: ``main`` runs a subcommand, and each subcommand is a file in ``commands/``."""

from posture_classifier.cli.program import main

__all__ = ["main"]
