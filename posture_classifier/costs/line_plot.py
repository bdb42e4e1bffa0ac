"""Plots of networks as lines over batch sizes, after Canziani et al. 2016, figures 3 to 5."""

from itertools import groupby
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from posture_classifier.costs.axes import frame, quantity_title, set_axis
from posture_classifier.costs.figures import CostFigure

MARKERS = "osD^vP*X"
"""Shapes that tell lines apart without colours."""
LINE_HEIGHT = 13.0
"""Points between the names of two lines that end next to each other."""


def plot_lines(rows: list[dict[str, Any]], figure: CostFigure) -> Figure:
    """Draw each network as a line over batch sizes, with its name at the end."""
    drawn = sorted(rows, key=lambda row: (row["name"], row["batch_size"]))
    lines = {name: list(group) for name, group in groupby(drawn, key=lambda row: str(row["name"]))}
    picture = Figure(figsize=(9, max(5.6, 0.17 * len(lines))), layout="constrained")
    axes = picture.add_subplot()
    set_axis(axes, "x", figure.x, quantity_title(figure.x, drawn))
    set_axis(axes, "y", figure.y, quantity_title(figure.y, drawn, over_batches=True))
    axes.xaxis.set_major_locator(FixedLocator(sorted({row["batch_size"] for row in drawn})))
    axes.xaxis.set_minor_locator(NullLocator())
    frame(axes)
    colours = colormaps["tab10"].colors  # type: ignore[attr-defined]
    for number, (name, line) in enumerate(lines.items()):
        style = {"color": colours[number % len(colours)], "marker": MARKERS[number % len(MARKERS)]}
        axes.plot(
            [row[figure.x] for row in line], [row[figure.y] for row in line], label=name, linewidth=1.6, markersize=5, **style
        )
    _name_lines(picture, axes)
    return picture


def _name_lines(picture: Figure, axes: Axes) -> None:
    """Write each line's name at its end, moved up or down as far as the others need."""
    picture.draw_without_rendering()  # lays out, so that positions in points are known
    points = 72 / picture.dpi
    ends = []
    for line in axes.get_lines():
        x, y = (float(values[-1]) for values in np.asarray(line.get_data(), float))
        ends.append((float(axes.transData.transform((x, y))[1]) * points, x, y, line))
    ends.sort(key=lambda end: end[0])
    heights = spread([end[0] for end in ends], LINE_HEIGHT)
    for height, (own, x, y, line) in zip(heights, ends, strict=True):
        axes.annotate(
            str(line.get_label()),
            (x, y),
            xytext=(20, height - own),
            textcoords="offset points",
            color=line.get_color(),
            fontsize=9,
            va="center",
            arrowprops={
                "arrowstyle": "-",
                "color": line.get_color(),
                "linewidth": 0.6,
                "shrinkA": 1,
                "shrinkB": 4,
                "relpos": (0, 0.5),
            },
        )


def spread(heights: list[float], distance: float) -> list[float]:
    """Move sorted heights apart, as little as may be: groups that touch share their mean.

    Example:
        >>> spread([0.0, 1.0, 30.0], 10.0)
        [-4.5, 5.5, 30.0]
    """
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _middle(groups[-1]) - _middle(groups[-2]) < distance * (len(groups[-1]) + len(groups[-2])) / 2:
            last = groups.pop()
            groups[-1] += last
    return [_middle(group) + distance * (place - (len(group) - 1) / 2) for group in groups for place in range(len(group))]


def _middle(group: list[float]) -> float:
    return sum(group) / len(group)
