"""Plots of networks as discs, after Canziani et al. 2016, figures 2 and 7 to 9."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from posture_classifier.costs.axes import QUANTITIES, frame, quantity_title, set_axis, year_colours
from posture_classifier.costs.figures import CostFigure
from posture_classifier.rendering.label_placement import place_labels
from posture_classifier.utils.types import Floats

AREAS = {"parameters": (9.0e-6, (1e6, 5e6, 25e6, 125e6)), "multiply_adds": (60.0e-9, (1e8, 5e8, 2e9, 1e10))}
"""Square points of a disc for each parameter or multiply-add, and the sizes that a legend shows: 5
million parameters have 7.6 points across, VGG-16 has 40. No disc is smaller than the first size's,
which can just be seen."""


def plot_discs(rows: list[dict[str, Any]], figure: CostFigure) -> Figure:
    """Draw each row as a disc; its colour is the year of the network's paper."""
    # Large discs first: small ones stay visible on top.
    drawn = sorted(rows, key=lambda row: -row[figure.area])
    picture = Figure(figsize=(10, 6.4), layout="constrained")
    axes = picture.add_subplot()
    x, y, sizes = (np.array([row[column] for row in drawn], float) for column in (figure.x, figure.y, figure.area))
    set_axis(axes, "x", figure.x, quantity_title(figure.x, drawn))
    set_axis(axes, "y", figure.y, quantity_title(figure.y, drawn))
    axes.set(xlim=_limits(x, QUANTITIES[figure.x].log), ylim=_limits(y, QUANTITIES[figure.y].log))
    frame(axes)
    factor, shown = AREAS[figure.area]
    areas = factor * np.maximum(sizes, shown[0])
    if figure.y == "accuracy":
        _draw_intervals(axes, drawn, figure.x)
    axes.scatter(x, y, s=areas, c=year_colours(picture, axes, drawn), alpha=0.85, edgecolors="white", linewidths=0.7, zorder=3)
    _draw_size_legend(axes, figure, sizes)
    place_labels(picture, axes, x, y, np.sqrt(areas / np.pi), [row["name"] for row in drawn])
    return picture


def _limits(values: Floats, log: bool) -> tuple[float, float]:
    """Ends of an axis that leave room for discs and names."""
    low, high = float(values.min()), float(values.max())
    if log:
        return low / 1.8, high * 2.0
    room = 0.15 * (high - low) or 0.05
    return low - room, high + room


def _draw_intervals(axes: Axes, rows: list[dict[str, Any]], column: str) -> None:
    for row in rows:
        if row["accuracy_low"] is not None and row["accuracy_high"] is not None:
            axes.plot([row[column]] * 2, [row["accuracy_low"], row["accuracy_high"]], color="0.6", linewidth=1, zorder=2)


def _draw_size_legend(axes: Axes, figure: CostFigure, drawn: Floats) -> None:
    """Draw a legend of the areas of the drawn sizes, where the fewest discs are."""
    factor, sizes = AREAS[figure.area]
    tick = QUANTITIES[figure.area].tick
    shown = [size for size in sizes if size <= 1.5 * drawn.max()][-3:]
    labels = {size: tick(size) for size in shown}
    if drawn.min() < sizes[0]:
        labels = {sizes[0]: f"{tick(sizes[0])} or less"} | {size: tick(size) for size in shown[-2:] if size > sizes[0]}
    discs = [axes.scatter([], [], s=factor * size, color="0.7", edgecolors="white", label=text) for size, text in labels.items()]
    axes.legend(
        handles=discs,
        loc="best",
        title=f"disc area:\n{figure.area.replace('_', '-')}",
        frameon=False,
        handletextpad=1.2,
        labelspacing=1.0 + factor * max(labels, default=0) / 630,
        borderpad=1.2,
    )
