"""Learning curves from ``metrics.csv``: one drawing, as a chart of a page and as a picture."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from posture_classifier.rendering.svg_charts import INK, chart_markup, chart_style, empty_chart, line_style

Rows = list[dict[str, str]]
"""Rows of ``metrics.csv``, one an epoch."""
LOSSES = {"train/loss": "training", "val/loss": "validation"}
SCORES = {"val/accuracy": "accuracy", "val/f1": "macro-F1"}


@chart_style()
def learning_chart(rows: Rows, columns: dict[str, str], title: str, best: int | None) -> Markup:
    """Draw columns of ``metrics.csv``, each with its name in the legend, by epoch for a page.

    A dotted line marks the epoch of the checkpoint.
    """
    figure, axes = empty_chart("epoch", title)
    _draw(axes, rows, columns, INK)
    if best is not None:
        axes.axvline(best, color=INK, alpha=0.5, linewidth=1, linestyle=":")
    last = "; ".join(f"{name} ends at {rows[-1].get(column) or 'nothing'}" for column, name in columns.items())
    return chart_markup(figure, f"{title} by epoch: {last}")


def plot_curves(rows: Rows, path: Path) -> None:
    """Write a picture of the loss and the validation scores by epoch."""
    draw_curves(rows).savefig(path, dpi=150)


def draw_curves(rows: Rows) -> Figure:
    """Draw the picture."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    charts: list[tuple[str, dict[str, str]]] = [("cross-entropy", LOSSES), ("validation photos", SCORES)]
    for axes, (title, columns) in zip(figure.subplots(1, 2), charts, strict=True):
        _draw(axes, rows, columns, "black", markersize=4)
        axes.set(xlabel="epoch")
        axes.set_title(title, pad=18)
        axes.grid(alpha=0.3)
    return figure


def _draw(axes: Axes, rows: Rows, columns: dict[str, str], ink: str, **style: Any) -> None:
    """Draw the curves; the ground is darker where more stages are trained, and says how many."""
    for number, (column, name) in enumerate(columns.items()):
        draw_curve(axes, rows, column, label=name, **line_style(number, marker=True) | style)
    for first, last, n_stages, darkness in _phases(rows):
        axes.axvspan(first - 0.5, last + 0.5, color=ink, alpha=0.13 * darkness, linewidth=0)
        text = "head" if n_stages == 1 else f"{n_stages} stages"
        axes.text(first - 0.45, 1.02, text, transform=axes.get_xaxis_transform(), fontsize=10)
    axes.set_xlim(int(rows[0]["epoch"]) - 0.5, int(rows[-1]["epoch"]) + 0.5)
    axes.legend()


def draw_curve(axes: Axes, rows: Rows, column: str, **style: Any) -> list[float]:
    """Draw one column by epoch without its empty cells, and return its values."""
    points = [(int(row["epoch"]), float(row[column])) for row in rows if row.get(column)]
    axes.plot([epoch for epoch, _ in points], [value for _, value in points], **style)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return [value for _, value in points]


def _phases(rows: Rows) -> Iterator[tuple[int, int, int, float]]:
    """First and last epoch of each phase, its trained stages, and its darkness from 0 to 1."""

    def n_stages(row: dict[str, str]) -> int:
        return int(float(row.get("stages_open") or 0))

    most = max(map(n_stages, rows))
    for count, phase in groupby(rows, n_stages):
        epochs = [int(row["epoch"]) for row in phase]
        if count:
            yield epochs[0], epochs[-1], count, (count - 1) / max(1, most - 1)
