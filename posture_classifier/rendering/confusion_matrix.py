"""The confusion matrix, as a table of a page and as a picture."""

import re
from pathlib import Path

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure
from rich.cells import cell_len

from posture_classifier.rendering.elements import shaded_table
from posture_classifier.rendering.fonts import fonts
from posture_classifier.utils.text import one_line
from posture_classifier.utils.types import Floats, Ints

MOST_NUMBERS = 30
"""Classes up to which the picture has room for the counts."""
LINE, LETTER = 0.0195, 0.0098
"""Height of a line and width of a wide letter, in inches a point of the font's size."""
LINE_LENGTH = 24
"""Letters in a line of a class name."""
BREAKS = f".{{1,{LINE_LENGTH}}}$|.{{1,{LINE_LENGTH - 1}}}[_ -]|.{{1,{LINE_LENGTH}}}"
"""The lines of a name: what is left, or up to the last end of a word, or as much as fits."""


def row_shares(confusion: Ints) -> Floats:
    """(C, C) share of the row's photos in each cell; zeros in a row without photos."""
    shares: Floats = confusion / confusion.sum(1, keepdims=True).clip(1)
    return shares


def confusion_table(confusion: Ints, classes: list[str]) -> Markup:
    """Make a table of counts (C, C): rows are true classes, shades are shares of the row."""
    cells = [[str(count) for count in row] for row in confusion.tolist()]
    return shaded_table(cells, row_shares(confusion), classes)


def plot_confusion(confusion: Ints, classes: list[str], title: str, path: Path) -> None:
    """Write a picture of counts (C, C): rows are true classes, shades are shares of the row."""
    with rc_context({"font.family": fonts()}):
        # Cells keep their size, and the picture grows with what is written around them.
        draw_confusion(confusion, classes, title).savefig(path, dpi=150, bbox_inches="tight", pad_inches=0.15)


def draw_confusion(confusion: Ints, classes: list[str], title: str) -> Figure:
    """Draw the picture; text around it may lie outside of the figure."""
    n_classes = len(classes)
    side = min(max(3.4, 0.5 * n_classes), 18.0)
    figure = Figure(figsize=(side, side))
    axes = figure.add_axes((0, 0, 1, 1))
    shares = row_shares(confusion)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    cell, size = side / n_classes, 10.0
    if n_classes > MOST_NUMBERS:
        size = max(1.0, 300 / n_classes)
    lines = max(1, int(cell / (size * LINE)))
    names = [_label(name, lines) for name in classes]
    widest = max(cell_len(line) for name in names for line in name.split("\n"))
    upright = widest * size * LETTER < cell
    axes.set_xticks(range(n_classes), names, rotation=0 if upright else 90, fontsize=size)
    axes.set_yticks(range(n_classes), names, fontsize=size, multialignment="right")
    if n_classes <= MOST_NUMBERS:
        for row in range(n_classes):
            for column in range(n_classes):
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=color)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, fontsize=10)
    return figure


def _label(name: str, lines: int) -> str:
    """A name in a few lines; of a longer one its beginning and end, which tell it from others."""
    parts = re.findall(BREAKS, one_line(name))
    if len(parts) > lines:
        half = lines * LINE_LENGTH // 2
        short = name if len(name) <= 2 * half else f"{name[:half]}…{name[len(name) - half + 1 :]}"
        parts = [short[start : start + LINE_LENGTH] for start in range(0, len(short), LINE_LENGTH)]
    return "\n".join(parts).replace("$", r"\$")  # a dollar would begin a formula
