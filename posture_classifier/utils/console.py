"""The terminal that commands print on."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table

from posture_classifier.utils.text import printable

PIPE_WIDTH = 240
"""Width in characters where the output goes into a pipe or a file; 80 would fold every table."""
NOTEBOOK_WIDTH = 100
"""Width in characters of what a notebook shows without folding it."""


class _Terminal(Console):
    """A console on which a name cannot do anything: its control characters are replaced."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does; the styles of a segment are not in its text."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


def terminal() -> Console:
    """A console that prints text as it is: brackets are no styles, and numbers are not coloured.

    Bars are drawn on it, too.
    """
    options = notebook_options()
    width = None if sys.stdout.isatty() else NOTEBOOK_WIDTH if options else PIPE_WIDTH
    return _Terminal(highlight=False, markup=False, width=width, **options)


def notebook_options() -> dict[str, Any]:
    """Options of a console in a notebook, which gets plain text and no bars that move; else none.

    Otherwise rich would want ipywidgets and say so at every step of a bar, or, since Jupyter asks
    for colours, take the cell's output for a terminal and print each step below the last.
    """
    return {"force_jupyter": False, "force_terminal": False} if Console().is_jupyter else {}


def say(*parts: Any, style: str | None = None) -> None:
    """Print sentences or tables, one below the other.

    The terminal itself wraps long sentences, so that a path can be copied whole.

    Args:
        *parts: Texts, tables and whatever else rich prints.
        style: A style of rich for all of it, such as ``bold``.
    """
    terminal().print(*parts, style=style, sep="\n", soft_wrap=True)


def wanted_width(table: Table) -> int:
    """The width in characters of a table that is not folded."""
    return Console(width=PIPE_WIDTH).measure(table).maximum
