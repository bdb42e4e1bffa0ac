"""Draws what networks cost: one of the figures that ``--figure`` names."""

from pathlib import Path
from typing import Any

from posture_classifier.costs.bar_plot import plot_bars
from posture_classifier.costs.disc_plot import plot_discs
from posture_classifier.costs.figures import FIGURES
from posture_classifier.costs.line_plot import plot_lines

PLOTS = {"discs": plot_discs, "lines": plot_lines, "bars": plot_bars}


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
    return PLOTS[figure.kind]([row for row in rows if row["error"] is None], figure, path)
