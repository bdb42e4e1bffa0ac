"""A comparison's figures, in the page's ink."""

from collections.abc import Callable

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.sentences import measured, operations
from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.label_placement import place_labels
from posture_classifier.rendering.page import Html
from posture_classifier.rendering.svg_charts import (
    GROUND,
    INK,
    SERIES,
    chart,
    chart_row,
    drawing,
    legend_below,
    line_style,
    picture,
)
from posture_classifier.utils.types import Floats

MANY = 30
"""Entries in a figure that has a line for each; the table above has all of them."""
FEW = 6
"""Entries in a figure that tells them by colour, dashes and marks."""
TALLEST = 560
"""CSS pixels for the rows of the figure of accuracy by group, which then fits on a printed page: the hardest ones."""
LARGEST = 1200
"""Square points of the disc with the most parameters: 39 points across."""
LETTERS = 30
"""Of a name beside an axis."""


def short(name: str) -> str:
    """A name that leaves room for the figure."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS // 2 - 1]}…{name[-LETTERS // 2 :]}"


@drawing()
def forest(comparison: Comparison) -> Html:
    """The metric that decides, with intervals, the best on top; hollow marks are behind it by more than chance."""
    verdict, shown = comparison.verdict, comparison.verdict.order[:MANY]
    title = METRICS[verdict.metric].title
    figure, axes = chart(f"{title}, 95 % interval", "", height=60 + 34 * len(shown))
    for row, index in enumerate(shown):
        tied, chosen = verdict.p[index] >= LEVEL, index == comparison.chosen
        colour = SERIES[0] if tied else INK
        value, low, high = _ends(comparison.estimates[index][verdict.metric])
        axes.plot([low, high], [row, row], color=colour, alpha=1 if tied else 0.5)
        fill = colour if tied else GROUND
        axes.plot(value, row, "D" if chosen else "o", color=fill, markeredgecolor=colour, markersize=9 if chosen else 7)
        # Above the line rather than beside the axis, where it would take half of a phone's width.
        axes.text(0, row - 0.3, short(comparison.names[index]), transform=axes.get_yaxis_transform(), va="center")
    axes.set(yticks=[], ylim=(len(shown) - 0.6, -0.7))
    axes.spines["left"].set_visible(False)
    values = "; ".join(f"{comparison.names[index]} {measured(comparison.estimates[index][verdict.metric])}" for index in shown)
    caption = "Filled: cannot be told from the best. Hollow: behind it, by more than chance. Diamond: recommended."
    return picture(figure, f"{title} with 95 % interval: {values}", caption)


@drawing()
def against_costs(comparison: Comparison) -> Html:
    """The metric against multiply-adds, disc area by parameters, after Canziani et al. 2016, figure 2; nothing without costs."""
    metric, title = comparison.verdict.metric, METRICS[comparison.verdict.metric].title
    known = [index for index in comparison.verdict.order[:MANY] if comparison.costs[index].multiply_adds]
    if not known:
        return Html()
    x = np.array([comparison.costs[index].multiply_adds for index in known], float)
    y, low, high = np.array([_ends(comparison.estimates[index][metric]) for index in known]).T
    parameters = np.array([comparison.costs[index].parameters for index in known], float)
    areas = LARGEST * parameters / parameters.max()
    figure, axes = chart("multiply-adds of one photo", title, height=300)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if x.max() > 10 * x.min() else (1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: operations(value)))
    axes.set_xlim(x.min() / 2.5, x.max() * 3)
    places = _apart(x)
    axes.vlines(places, low, high, color=INK, alpha=0.45, linewidth=1, zorder=2)
    tied = np.array([comparison.verdict.p[index] >= LEVEL for index in known])
    for chosen, fill in ((tied, SERIES[0]), (~tied, GROUND)):
        axes.scatter(places[chosen], y[chosen], s=areas[chosen], c=fill, edgecolors=SERIES[0], linewidths=1.2, alpha=0.85, zorder=3)
    names = [short(comparison.names[index]) for index in known]
    place_labels(figure, axes, places, y, np.sqrt(areas / np.pi), names, ink=INK, ground=GROUND, size=10)
    told = "; ".join(f"{name} {value:.3f} at {operations(adds)}" for name, value, adds in zip(names, y, x, strict=True))
    caption = (
        f"Disc area: parameters, {parameters.min() / 1e6:.3g} to {parameters.max() / 1e6:.3g} M. Hollow: behind the best. "
        "Lines: 95 % intervals. Equal costs stand side by side. After Canziani et al. 2016."
    )
    return picture(figure, f"{title} against multiply-adds: {told}", caption)


def _ends(figure: Estimate) -> tuple[float, float, float]:
    """Value and interval, without a length where it is not known."""
    assert figure.value is not None  # a metric that is not defined decides nothing
    if figure.low is None or figure.high is None:
        return (figure.value,) * 3
    return figure.value, figure.low, figure.high


def _apart(x: Floats) -> Floats:
    """Shift equal costs a little, so that intervals do not cover each other."""
    result = x.copy()
    for value in np.unique(x):
        same = np.flatnonzero(x == value)
        result[same] *= min(1.06, 1.3 ** (1 / len(same))) ** (np.arange(len(same)) - (len(same) - 1) / 2)
    return result


def by_class_and_group(comparison: Comparison) -> Html:
    """Share of the photos of each class, and of each group, that the best entries got right."""
    return chart_row([_by_class(comparison), *([_by_group(comparison)] if comparison.grouped else [])])


@drawing()
def _by_class(comparison: Comparison) -> Html:
    shown = comparison.verdict.order[:FEW]
    present = [label for label in range(len(comparison.classes)) if (comparison.labels == label).any()][:MANY]
    classes = [comparison.classes[label] for label in present]
    figures = [[recall(comparison, index, label) for label in present] for index in shown]
    figure, axes = chart("share right, 95 % interval", "", height=50 + 12 * (1 + len(shown)) * len(classes))
    for line, (index, row) in enumerate(zip(shown, figures, strict=True)):
        offset = (line - (len(shown) - 1) / 2) / (len(shown) + 1)
        places = [label + offset for label in range(len(classes))]
        values, low, high = np.array([_ends(value) for value in row]).T
        axes.hlines(places, low, high, color=SERIES[line], linewidth=1.2, alpha=0.8)
        style = line_style(line, marker=True) | {"linestyle": ""}
        axes.plot(values, places, **style, label=short(comparison.names[index]))
    axes.set_yticks(range(len(classes)), [short(name) for name in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    legend_below(axes)
    told = "; ".join(
        f"{comparison.names[index]}: " + ", ".join(f"{name} {measured(value)}" for name, value in zip(classes, row, strict=True))
        for index, row in zip(shown, figures, strict=True)
    )
    return picture(figure, f"Accuracy by class. {told}", "Share of the photos of each class that are right.")


def recall(comparison: Comparison, index: int, label: int) -> Estimate:
    """Share of a class's photos that an entry got right, with its interval over groups."""
    inside = comparison.labels == label
    return estimate_share(comparison.right[index][inside], comparison.groups[inside])


@drawing()
def _by_group(comparison: Comparison) -> Html:
    names, codes = np.unique(comparison.groups, return_inverse=True)
    shown, photos = comparison.verdict.order[:FEW], np.bincount(codes)
    shares = np.array([np.bincount(codes, weights=comparison.right[index]) / photos for index in shown])
    row = max(14, 6 + 5 * len(shown))
    order = np.argsort(shares.mean(0), kind="stable")[: TALLEST // row]
    figure, axes = chart("share right", "", height=50 + row * len(order))
    for line, index in enumerate(shown):
        # Small, and below each other, so that equal shares of a group do not hide each other.
        offset = 0.8 * ((line + 0.5) / len(shown) - 0.5)
        style = line_style(line, marker=True) | {"linestyle": "", "markersize": 4.5}
        axes.plot(shares[line, order], np.arange(len(order)) + offset, **style, label=short(comparison.names[index]))
    axes.set_yticks(range(len(order)), [short(f"{names[group]} ({photos[group]})") for group in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    legend_below(axes)
    hardest = ", ".join(str(names[group]) for group in order[:5])
    left = len(names) - len(order)
    caption = f"By group (of so many photos), the hardest first{f'; {left} easier ones are not shown' if left else ''}."
    return picture(figure, f"Accuracy by group; the hardest are {hardest}", caption)


def learning_curves(comparison: Comparison) -> Html:
    """Validation loss and accuracy by epoch of the best entries."""
    return chart_row(
        [
            _curves(comparison, "val/loss", "validation loss", min),
            _curves(comparison, "val/accuracy", "validation accuracy", max),
        ]
    )


@drawing()
def _curves(comparison: Comparison, column: str, title: str, best: Callable[[list[float]], float]) -> Html:
    figure, axes = chart("epoch", title)
    told = []
    for line, index in enumerate(comparison.verdict.order[:FEW]):
        curves = [rows for run in comparison.configurations[index].runs for rows in run.curves if rows]
        noted = [[(int(row["epoch"]), float(row[column])) for row in rows if row.get(column)] for rows in curves]
        noted = [points for points in noted if points]
        for number, points in enumerate(noted):
            epochs, values = zip(*points, strict=True)
            label = short(comparison.names[index]) if number == 0 else None
            axes.plot(
                epochs, values, **line_style(line, marker=len(epochs) < 15), alpha=0.9 if len(noted) == 1 else 0.6, label=label
            )
        if noted:
            told.append(f"{comparison.names[index]} {best([value for points in noted for _, value in points]):.3f}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if told:
        legend_below(axes)
    return picture(figure, f"{title} by epoch; best: {', '.join(told) or 'not noted'}", "A line for each seed or fold.")
