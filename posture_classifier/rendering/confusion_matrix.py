"""The confusion matrix, as a table of a page and as a picture, in the same shades."""

import re
import warnings
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from rich.cells import cell_len

from posture_classifier.rendering.elements import SHADE, render, shaded_table
from posture_classifier.rendering.fonts import advise_font, drawable, fonts, spelt
from posture_classifier.rendering.svg_charts import SERIES
from posture_classifier.utils.text import one_line, shortlist
from posture_classifier.utils.types import Floats, Ints

MOST_NUMBERS = 30
"""Classes up to which the picture has room for counts and shares."""
SHADES = LinearSegmentedColormap.from_list("shades", ["white", SERIES[0]]).resampled(1024)
"""Colours of which the first ``SHADE`` are used, as the page uses them by day."""
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
    """Make a table of counts (C, C) and shares of the row; rows are true classes."""
    shares = row_shares(confusion)
    cells = [
        [
            render("elements.html", "two_lines", value=count, below=_percent(share) if sum(row) else "")
            for count, share in zip(row, row_shares, strict=True)
        ]
        for row, row_shares in zip(confusion.tolist(), shares.tolist(), strict=True)
    ]
    return shaded_table(cells, shares, classes)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def plot_confusion(confusion: Ints, classes: list[str], title: str, path: Path) -> None:
    """Write a picture of counts (C, C) and shares of the row; rows are true classes.

    A class whose name has letters that no installed font has is numbered in the order of
    ``classes``, from 1, and spelt in Latin letters where Unicode knows how. A warning says so, and
    what to install.
    """
    names = picture_names(classes)
    if changed := [(name, written) for name, written in zip(classes, names, strict=True) if name != written]:
        key = shortlist([f"{written} is {name}" for name, written in changed], 3)
        warnings.warn(
            f"{path.name}: no font here has the letters of some class names, so they are numbered there ({key}); "
            f"{advise_font(classes)}, or look at report.html",
            stacklevel=2,
        )
        title += "\nnames: see report.html"
    with rc_context({"font.family": fonts(names)}):
        # Cells keep their size, and the picture grows with what is written around them.
        draw_confusion(confusion, names, title).savefig(path, dpi=150, bbox_inches="tight", pad_inches=0.15)


def picture_names(classes: list[str]) -> list[str]:
    """Names of the classes as installed fonts can draw them."""
    names = [one_line(name) for name in classes]
    return [name if drawable(name) else _numbered(number, name) for number, name in enumerate(names, start=1)]


def _numbered(number: int, name: str) -> str:
    return f"class {number} ({spelt(name)})" if spelt(name) else f"class {number}"


def draw_confusion(confusion: Ints, classes: list[str], title: str) -> Figure:
    """Draw the picture; text around it may lie outside of the figure."""
    n_classes = len(classes)
    side = min(max(3.4, 0.6 * n_classes), 18.0)
    figure = Figure(figsize=(side, side))
    axes = figure.add_axes((0, 0, 1, 1))
    shares = row_shares(confusion)
    image = axes.imshow(shares * SHADE, cmap=SHADES, vmin=0, vmax=1)
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
        _write_cells(axes, confusion, shares)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, fontsize=10)
    _add_scale(figure, axes, image)
    return figure


def _write_cells(axes: Axes, confusion: Ints, shares: Floats) -> None:
    """Write the count into each cell, and its share of the row below, where there are photos."""
    for (row, column), count in np.ndenumerate(confusion):
        axes.text(column, row, str(count), ha="center", va="bottom", fontsize=10)
        if confusion[row].any():
            axes.text(
                column, row + 0.08, _percent(float(shares[row, column])), ha="center", va="top", fontsize=7.5, color="#333333"
            )


def _add_scale(figure: Figure, axes: Axes, image: AxesImage) -> None:
    """Draw the scale of the shades beside the cells."""
    width = 0.12 / figure.get_size_inches()[0]
    scale = figure.colorbar(image, cax=figure.add_axes((1 + width, 0, width, 1)), boundaries=np.linspace(0, SHADE, 128))
    scale.set_ticks([0, SHADE / 2, SHADE], labels=["0 %", "50 %", "100 %"], fontsize=8)
    scale.set_label("share of the true class", fontsize=8)


def _label(name: str, lines: int) -> str:
    """A name in a few lines; of a longer one its beginning and end, which tell it from others."""
    parts = re.findall(BREAKS, name)
    if len(parts) > lines:
        half = lines * LINE_LENGTH // 2
        short = name if len(name) <= 2 * half else f"{name[:half]}…{name[len(name) - half + 1 :]}"
        parts = [short[start : start + LINE_LENGTH] for start in range(0, len(short), LINE_LENGTH)]
    return "\n".join(parts).replace("$", r"\$")  # a dollar would begin a formula
