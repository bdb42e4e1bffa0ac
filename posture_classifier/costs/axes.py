"""Axes of plots of costs: titles with units, scales and ticks, the same in all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from textwrap import fill
from typing import Any, Literal

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

from posture_classifier.costs.accuracies import N_PHOTOS, is_published

UNKNOWN_YEAR = "0.75"
"""Grey level of a network whose year is unknown."""
LINE = 77
"""Letters of a line beside an axis that is 5.6 inches high."""


@dataclass(frozen=True)
class Quantity:
    """How a column is drawn.

    Attributes:
        title: Name and unit; ``{size}``, ``{batch}`` and ``{device}`` are filled in.
        tick: A value as text.
        log: Whether the axis is logarithmic.
        by_batch: Whether the value depends on the number of photos in a batch.
    """

    title: str
    tick: Callable[[float], str]
    log: bool = True
    by_batch: bool = False


def _operations(value: float) -> str:
    return f"{value / 1e9:g} G" if value >= 1e9 else f"{value / 1e6:g} M"


def _plain(value: float) -> str:
    return f"{value:,g}" if value < 1000 else f"{value:,.0f}"


QUANTITIES = {
    "multiply_adds": Quantity("multiply-adds of one photo, {size} (1 multiply-add = 2 FLOPs)", _operations),
    "parameters": Quantity("parameters", _operations),
    "batch_size": Quantity("photos in a batch", _plain),
    "accuracy": Quantity("accuracy", lambda share: f"{100 * share:g} %", log=False),
    "ms_per_photo": Quantity("milliseconds per photo{batch}, {device}", _plain, by_batch=True),
    "photos_per_second": Quantity("photos per second{batch}, {device}", _plain, by_batch=True),
    "batch_inference_bytes": Quantity(
        "MB of memory for a forward pass in fp32, weights included, {size}", lambda n_bytes: _plain(n_bytes / 1e6), by_batch=True
    ),
    "watts": Quantity("watts of the whole GPU{batch}, {device}", _plain, log=False, by_batch=True),
    "joules_per_photo": Quantity("joules per photo{batch}, {device}", _plain, by_batch=True),
}
"""Columns of the ``backbones`` command that a plot can show."""


def drawable(row: dict[str, Any], *columns: str) -> bool:
    """Whether a row has a value in each column, and one that a logarithmic axis can show."""
    return all(row[column] is not None and (row[column] > 0 or not QUANTITIES[column].log) for column in columns)


def quantity_title(column: str, rows: list[dict[str, Any]], over_batches: bool = False) -> str:
    """Name a column with its unit and with what the drawn rows were counted or measured on.

    ``over_batches`` says that the other axis is the number of photos in a batch.
    """
    if column == "accuracy" and all(is_published(row["accuracy_source"]) for row in rows):
        return f"top-1 accuracy on ImageNet, 95 % interval (n = {N_PHOTOS:,}; torchvision's weights)"
    sizes = {row["image_size"] for row in rows}
    size = f"at {sizes.pop()} px" if len(sizes) == 1 else "at each network's own input size"
    batch = "" if over_batches else f" in batches of {rows[0]['batch_size']}"
    return QUANTITIES[column].title.format(size=size, batch=batch, device=rows[0]["device"])


def set_axis(axes: Axes, direction: Literal["x", "y"], column: str, title: str) -> None:
    """Set the scale, ticks and title of one axis."""
    quantity = QUANTITIES[column]
    axis: Axis = getattr(axes, f"{direction}axis")
    if quantity.log:
        getattr(axes, f"set_{direction}scale")("log")
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(LogLocator(subs=()))
    axis.set_major_formatter(FuncFormatter(lambda value, _: quantity.tick(value)))
    n_lines = ceil(len(title) / LINE) if direction == "y" else 1
    axis.set_label_text(fill(title, ceil(len(title) / n_lines) + 8))  # words make lines uneven


def frame(axes: Axes) -> None:
    """Draw a light grid, and axes at the left and below only."""
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def year_colours(figure: Figure, axes: Axes, rows: list[dict[str, Any]]) -> list[Any]:
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
