"""The terminal that commands print on."""

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
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


def say(*parts: Any, style: str | None = None, whole: bool = False) -> None:
    """Print sentences or tables, one below the other.

    A terminal gets lines that end between words. What is longer than a line stays whole, so that
    a path can be copied.

    Args:
        *parts: Texts, tables and whatever else rich prints.
        style: A style of rich for all of it, such as ``bold``.
        whole: Whether lines are not to end between words either, since a path may have spaces.
    """
    console = terminal()
    # Written as text to what stands for stdout just now: while a bar runs that is rich's stand-in,
    # which prints above the bar, and which a console of its own would pass by.
    with console.capture() as written:
        for part in parts:
            text = fold(part, console.width) if isinstance(part, str) and console.is_terminal and not whole else part
            # A table's caption is as wide as the table only if rich may divide it.
            console.print(text, style=style, soft_wrap=isinstance(part, str) or not console.is_terminal, crop=False)
    sys.stdout.write(written.get())
    sys.stdout.flush()


@contextmanager
def busy(text: str) -> Iterator[None]:
    """A context in which a terminal shows that something goes on; a pipe gets nothing of it."""
    console = terminal()
    if not console.is_terminal:
        yield
        return
    with console.status(text, spinner="line"):
        yield


def say_command(text: str, command: str) -> None:
    """Print a sentence without its colon, and a command that can be pasted into a shell.

    In a pipe it is one line. On a terminal the command has lines of its own, which end in a
    backslash where it goes on.
    """
    console = terminal()
    if not console.is_terminal:
        say(f"{text}: {command}")
        return
    say(f"{text}:")
    say(continued(command, console.width), whole=True)


def continued(command: str, width: int) -> str:
    r"""Divide a command into lines with a backslash at the end of all but the last.

    No word is divided, nor what is quoted, so that a line may be wider.

    Example:
        >>> print(continued("fit --data.root 'my photos' --report false", 36))
          fit --data.root 'my photos' \
            --report false
    """
    words: list[str] = []
    for word in re.findall(r"(?:'[^']*'|\"[^\"]*\"|\S)+", command):
        if words and words[-1].startswith("--") and " " not in words[-1] and not word.startswith("--"):
            words[-1] += f" {word}"  # an option stays with its value
        else:
            words.append(word)
    lines = [f"  {words[0]}"]
    for word in words[1:]:
        if cell_len(f"{lines[-1]} {word} \\") <= width:
            lines[-1] += f" {word}"
        else:
            lines[-1] += " \\"
            lines.append(f"    {word}")
    return "\n".join(lines)


def fold(text: str, width: int) -> str:
    r"""End the lines of a text between words, so many columns wide if no word is longer.

    Example:
        >>> fold("a photo in /a/long/path", 10)
        'a photo in\n/a/long/path'
    """
    lines = []
    for line in text.split("\n"):
        row = ""
        for word in re.findall(r"\s*\S+", line):  # with the spaces before it
            if row and cell_len(row + word) > width:
                lines.append(row)
                row = word.lstrip()
            else:
                row += word
        lines.append(row)
    return "\n".join(lines)


def fold_for_stderr(text: str) -> str:
    """A text as errors and warnings are written: with lines of a terminal's width, if it is one."""
    return fold(text, shutil.get_terminal_size().columns) if sys.stderr.isatty() else text


def wanted_width(table: Table) -> int:
    """The width in characters of a table that is not folded."""
    return Console(width=PIPE_WIDTH).measure(table).maximum
