"""The confusion matrix, as a table of a page and as a picture."""

from pathlib import Path

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from posture_classifier.rendering.elements import shaded_table
from posture_classifier.rendering.fonts import fonts
from posture_classifier.utils.types import Floats, Ints

MOST_NUMBERS = 30
"""Classes up to which the picture has room for the counts."""


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
    names = [name.replace("$", r"\$") for name in classes]  # a dollar would begin a formula
    with rc_context({"font.family": fonts()}):
        _draw(confusion, names, title).savefig(path, dpi=150)


def _draw(confusion: Ints, classes: list[str], title: str) -> Figure:
    n_classes = len(classes)
    size = min(max(4.0, 1.6 + 0.6 * n_classes), 20.0)
    figure = Figure(figsize=(size + 0.8, size), layout="constrained")
    axes = figure.add_subplot()
    shares = row_shares(confusion)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if n_classes > 3:
        axes.set_xticks(range(n_classes), classes, rotation=45, ha="right")
    else:
        axes.set_xticks(range(n_classes), classes)
    axes.set_yticks(range(n_classes), classes)
    if n_classes <= MOST_NUMBERS:
        for row in range(n_classes):
            for column in range(n_classes):
                color = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=color)
    else:
        axes.tick_params(labelsize=max(1.0, 300 / n_classes))
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, fontsize=10)
    return figure
