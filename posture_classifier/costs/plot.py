"""Plot of accuracy or speed against multiply-adds, after Canziani et al. 2016, figure 2."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from posture_classifier.rendering.label_placement import place_labels

AREA_PER_MILLION = 9.0
"""Square points of a disc for each million parameters: 5 million have 7.6 points across, VGG-16 has
40."""
UNKNOWN_YEAR = "0.75"
"""Grey level of a network whose year is unknown."""


def plot_costs(rows: list[dict[str, Any]], path: Path) -> int:
    """Draw each network as a disc: its area is the number of parameters, its colour the year.

    Args:
        rows: Rows of the ``backbones`` command. The vertical axis is the accuracy if any row has
            one, and else the measured throughput.
        path: The .png, .svg or .pdf file to write.

    Returns:
        Number of networks in the plot; no file is written for 0.
    """
    by_accuracy = any(row["accuracy"] is not None for row in rows)
    key = "accuracy" if by_accuracy else "photos_per_second"
    # Large discs first: small ones stay visible on top.
    rows = sorted((row for row in rows if row[key] and row["multiply_adds"]), key=lambda row: -row["parameters"])
    if not rows:
        return 0
    figure = Figure(figsize=(10, 6.4), layout="constrained")
    axes = figure.add_subplot()
    _scales(axes, rows, by_accuracy)
    x = np.array([row["multiply_adds"] for row in rows], float)
    y = np.array([row[key] for row in rows], float)
    areas = AREA_PER_MILLION / 1e6 * np.array([row["parameters"] for row in rows], float)
    if by_accuracy:
        _intervals(axes, rows)
    axes.scatter(x, y, s=areas, c=_colours(figure, axes, rows), alpha=0.85, edgecolors="white", linewidths=0.7, zorder=3)
    _limits(axes, x, y, by_accuracy)
    _size_legend(axes, max(row["parameters"] for row in rows), "lower right" if by_accuracy else "upper right")
    place_labels(figure, axes, x, y, np.sqrt(areas / np.pi), [row["name"] for row in rows])
    figure.savefig(path, dpi=160)
    return len(rows)


def _scales(axes: Axes, rows: list[dict[str, Any]], by_accuracy: bool) -> None:
    sizes = {row["image_size"] for row in rows}
    where = f"at {sizes.pop()} px" if len(sizes) == 1 else "at each network's own input size"
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1e9:g} G" if value >= 1e9 else f"{value / 1e6:g} M"))
    axes.set_xlabel(f"multiply-adds of one photo, {where} (1 multiply-add = 2 FLOPs)")
    if by_accuracy:
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
        axes.set_ylabel("accuracy")
    else:
        row = rows[0]
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_ylabel(f"photos per second, in batches of {row['batch_size']} ({row['device']})")
    for axis in (axes.xaxis, axes.yaxis) if not by_accuracy else (axes.xaxis,):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(LogLocator(subs=()))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _limits(axes: Axes, x: Any, y: Any, by_accuracy: bool) -> None:
    """Leave room for discs and names at the edges."""
    axes.set_xlim(x.min() / 1.8, x.max() * 2.2)
    if by_accuracy:
        room = 0.15 * (y.max() - y.min()) or 0.05
        axes.set_ylim(y.min() - room, y.max() + room)
    else:
        axes.set_ylim(y.min() / 1.8, y.max() * 1.8)


def _colours(figure: Figure, axes: Axes, rows: list[dict[str, Any]]) -> list[Any]:
    """A colour for each network's year, grey for an unknown one; draws the colour bar."""
    years = [row["year"] for row in rows if row["year"]]
    if not years:
        return [UNKNOWN_YEAR] * len(rows)
    # viridis stays in order on grey printers and for colour-blind people.
    colours = ScalarMappable(Normalize(min(years), max(*years, min(years) + 1)), colormaps["viridis"])
    bar = figure.colorbar(colours, ax=axes, shrink=0.6, aspect=28, pad=0.01)
    bar.locator = MaxNLocator(integer=True, nbins=8)
    bar.outline.set_visible(False)
    bar.set_label("year of the paper")
    return [colours.to_rgba(row["year"]) if row["year"] else UNKNOWN_YEAR for row in rows]


def _intervals(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        if row["accuracy_low"] is not None and row["accuracy_high"] is not None:
            axes.plot([row["multiply_adds"]] * 2, [row["accuracy_low"], row["accuracy_high"]], color="0.6", linewidth=1, zorder=2)


def _size_legend(axes: Axes, largest: int, corner: Literal["lower right", "upper right"]) -> None:
    """Draw a legend of the areas."""
    millions = [size for size in (1, 5, 25, 125) if size * 1e6 <= 1.5 * largest][-3:]
    discs = [
        axes.scatter([], [], s=AREA_PER_MILLION * size, color="0.7", edgecolors="white", label=f"{size} M") for size in millions
    ]
    axes.legend(
        handles=discs,
        loc=corner,
        title="disc area:\nparameters",
        frameon=False,
        handletextpad=1.2,
        labelspacing=1.0 + max(millions, default=0) / 70,
        borderpad=1.2,
    )
