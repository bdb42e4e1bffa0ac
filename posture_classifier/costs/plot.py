"""Draws what networks cost: one of the figures that ``--figure`` names."""

from pathlib import Path
from typing import Any

from posture_classifier.costs.axes import drawable
from posture_classifier.costs.bar_plot import plot_bars
from posture_classifier.costs.disc_plot import plot_discs
from posture_classifier.costs.figures import FIGURES
from posture_classifier.costs.line_plot import plot_lines

PLOTS = {"discs": plot_discs, "lines": plot_lines, "bars": plot_bars}
"""Functions that draw a ``CostFigure`` of a kind from rows that have its columns, at least one."""


def draw_figure(name: str, rows: list[dict[str, Any]], path: Path) -> int:
    """Draw a figure into a .png, .svg or .pdf file.

    Args:
        name: A name in ``FIGURES``.
        rows: Rows of the ``backbones`` command; those with an error are left out.
        path: The file to write.

    Returns:
        Number of networks in the figure; no file is written for 0.
    """
    figure = FIGURES[name]
    rows = [row for row in rows if row["error"] is None]
    if figure.kind == "discs":  # of each network in its largest batch
        rows = list({row["name"]: row for row in sorted(rows, key=lambda row: row["batch_size"])}.values())
    drawn = [row for row in rows if drawable(row, figure.x, figure.y)]
    if not drawn:
        return 0
    PLOTS[figure.kind](drawn, figure).savefig(path, dpi=160)
    return len({row["name"] for row in drawn})
