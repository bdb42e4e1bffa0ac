"""Plot of accuracy for each million parameters, after Canziani et al. 2016, figure 10."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from posture_classifier.costs.axes import drawable, frame, year_colours
from posture_classifier.costs.figures import CostFigure


def plot_bars(rows: list[dict[str, Any]], figure: CostFigure, path: Path) -> int:
    """Draw a bar for each network: its accuracy in per cent, shared by its million parameters.

    The paper calls this information density.

    Args:
        rows: Rows of the ``backbones`` command.
        figure: What to draw: ``x`` over ``y``.
        path: The .png, .svg or .pdf file to write.

    Returns:
        Number of networks in the plot; no file is written for 0.
    """
    density = {row["name"]: 1e8 * row[figure.x] / row[figure.y] for row in rows if drawable(row, figure.x, figure.y)}
    drawn = sorted({row["name"]: row for row in rows if row["name"] in density}.values(), key=lambda row: density[row["name"]])
    if not drawn:
        return 0
    picture = Figure(figsize=(9, 1.6 + 0.24 * len(drawn)), layout="constrained")
    axes = picture.add_subplot()
    values = [density[row["name"]] for row in drawn]
    axes.barh([row["name"] for row in drawn], values, color=year_colours(picture, axes, drawn), height=0.72)
    for place, (value, row) in enumerate(zip(values, drawn, strict=True)):
        axes.annotate(f"{value:#.3g}", (value, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=8)
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
    axes.set(xlim=(0, 1.28 * max(values)), ylim=(-0.6, len(drawn) - 0.4))
    axes.set_xlabel("per cent of accuracy for each million parameters (at the right: both)")
    picture.savefig(path, dpi=160)
    return len(drawn)
