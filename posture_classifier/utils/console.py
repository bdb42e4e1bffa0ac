"""The terminal that commands print on."""

import sys
from typing import Any

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 240
"""Characters a line where the output goes into a pipe or a file: nobody looks at its width, and 80 would fold every table."""


def terminal() -> Console:
    """A console that prints text as it is: names in brackets are no styles, and numbers are not coloured."""
    return Console(highlight=False, markup=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def say(*parts: Any, style: str | None = None) -> None:
    """Print sentences or tables; long sentences are left to the terminal to wrap, so that paths can be copied whole."""
    terminal().print(*parts, style=style, sep="\n", soft_wrap=True)


def wanted_width(table: Table) -> int:
    """Characters a line that a table takes where there is room for all of it."""
    return Console(width=PIPE_WIDTH).measure(table).maximum
