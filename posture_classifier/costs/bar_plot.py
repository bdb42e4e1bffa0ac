"""Plot of accuracy for each million parameters, after Canziani et al. 2016, figure 10."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from posture_classifier.costs.axes import frame, quantity_title, year_colours
from posture_classifier.costs.figures import CostFigure
from posture_classifier.utils.types import Floats


def plot_bars(rows: list[dict[str, Any]], figure: CostFigure) -> Figure:
    """Draw a bar for each network: its accuracy in per cent, shared by its million parameters.

    The paper calls this information density.
    """
    drawn = sorted({row["name"]: row for row in rows}.values(), key=lambda row: row[figure.x] / row[figure.y])
    picture = Figure(figsize=(9, 1.6 + 0.24 * len(drawn)), layout="constrained")
    axes = picture.add_subplot()
    values, lows, highs = (_densities(drawn, column, figure) for column in ("accuracy", "accuracy_low", "accuracy_high"))
    names, colours = [row["name"] for row in drawn], year_colours(picture, axes, drawn)
    axes.barh(names, values, xerr=(values - lows, highs - values), color=colours, height=0.72, error_kw={"ecolor": "0.4"})
    for place, (value, high, row) in enumerate(zip(values, highs, drawn, strict=True)):
        axes.annotate(f"{value:#.3g}", (high, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
        axes.annotate(
            f"{100 * row['accuracy']:.1f} % / {row['parameters'] / 1e6:.1f} M",
            (1, place),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            fontsize=8,
            color="0.4",
        )
    frame(axes)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0, labelsize=9)
    axes.set(xlim=(0, 1.28 * highs.max()), ylim=(-0.6, len(drawn) - 0.4))
    axes.set_xlabel(f"{quantity_title('accuracy', drawn)}:\nper cent for each million parameters, and at the right both")
    return picture


def _densities(rows: list[dict[str, Any]], column: str, figure: CostFigure) -> Floats:
    """(N,) per cent for each million parameters; of the accuracy itself where an end is unknown."""
    shares = [row[figure.x] if row[column] is None else row[column] for row in rows]
    densities: Floats = 1e8 * np.array(shares, float) / np.array([row[figure.y] for row in rows], float)
    return densities
