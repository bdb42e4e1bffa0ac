"""The charts of a comparison."""

from collections.abc import Callable

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.verdict import LEVEL
from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_estimate, operations
from posture_classifier.rendering.label_placement import place_labels
from posture_classifier.rendering.learning_curves import draw_curve
from posture_classifier.rendering.svg_charts import (
    GROUND,
    INK,
    SERIES,
    chart_markup,
    chart_style,
    empty_chart,
    legend_below,
    line_style,
    shortened,
)
from posture_classifier.utils.types import Floats

MANY = 30
"""Entries in a chart that has a line of text for each; the tables have all of them."""
FEW = 6
"""Entries in a chart that distinguishes them by colour, dashes and markers."""
TALLEST = 560
"""CSS pixels for the rows of the chart of groups, which then fits on a printed page; it shows the
hardest ones."""
LARGEST = 1200
"""Area in square points of the disc with the most parameters: 39 points across."""


@chart_style()
def forest_chart(comparison: Comparison) -> Markup:
    """Draw the metric that decides, the best on top; hollow marks are significantly worse."""
    verdict, shown = comparison.verdict, comparison.verdict.order[:MANY]
    title = METRICS[verdict.metric].title
    figure, axes = empty_chart(f"{title}, 95 % interval", "", height=60 + 34 * len(shown))
    for row, index in enumerate(shown):
        tied, chosen = verdict.p[index] >= LEVEL, index == comparison.chosen
        colour = SERIES[0] if tied else INK
        value, low, high = _value_and_ends(comparison.estimates[index][verdict.metric])
        axes.plot([low, high], [row, row], color=colour, alpha=1 if tied else 0.5)
        fill = colour if tied else GROUND
        axes.plot(value, row, "D" if chosen else "o", color=fill, markeredgecolor=colour, markersize=9 if chosen else 7)
        # Above the line rather than beside the axis, where it would take half of a phone's width.
        axes.text(0, row - 0.3, shortened(comparison.names[index]), transform=axes.get_yaxis_transform(), va="center")
    axes.set(yticks=[], ylim=(len(shown) - 0.6, -0.7))
    axes.spines["left"].set_visible(False)
    values = "; ".join(f"{comparison.names[i]} {describe_estimate(comparison.estimates[i][verdict.metric])}" for i in shown)
    caption = "Filled: cannot be told from the best. Hollow: behind it, by more than chance. Diamond: recommended."
    return chart_markup(figure, f"{title} with 95 % interval: {values}", caption)


@chart_style()
def cost_chart(comparison: Comparison) -> Markup:
    """Draw the metric against multiply-adds, if known, after Canziani et al. 2016, figure 2."""
    metric, title = comparison.verdict.metric, METRICS[comparison.verdict.metric].title
    known = [index for index in comparison.verdict.order[:MANY] if comparison.costs[index].multiply_adds]
    if not known:
        return Markup()
    x = np.array([comparison.costs[index].multiply_adds for index in known], float)
    y, low, high = np.array([_value_and_ends(comparison.estimates[index][metric]) for index in known]).T
    parameters = np.array([comparison.costs[index].parameters for index in known], float)
    areas = LARGEST * parameters / parameters.max()
    figure, axes = empty_chart("multiply-adds of one photo", title, height=300)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if x.max() > 10 * x.min() else (1, 2, 5)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: operations(value)))
    axes.set_xlim(x.min() / 2.5, x.max() * 3)
    places = _spread_equal(x)
    axes.vlines(places, low, high, color=INK, alpha=0.45, linewidth=1, zorder=2)
    tied = np.array([comparison.verdict.p[index] >= LEVEL for index in known])
    for chosen, fill in ((tied, SERIES[0]), (~tied, GROUND)):
        axes.scatter(places[chosen], y[chosen], s=areas[chosen], c=fill, edgecolors=SERIES[0], linewidths=1.2, alpha=0.85, zorder=3)
    names = [shortened(comparison.names[index]) for index in known]
    place_labels(figure, axes, places, y, np.sqrt(areas / np.pi), names, text_colour=INK, ground=GROUND, size=10)
    values = "; ".join(f"{name} {value:.3f} at {operations(adds)}" for name, value, adds in zip(names, y, x, strict=True))
    caption = (
        f"Disc area: parameters, {parameters.min() / 1e6:.3g} to {parameters.max() / 1e6:.3g} M. Hollow: behind the best. "
        "Lines: 95 % intervals. Equal costs stand side by side. After Canziani et al. 2016."
    )
    return chart_markup(figure, f"{title} against multiply-adds: {values}", caption)


def _value_and_ends(estimate: Estimate) -> tuple[float, float, float]:
    """Value and ends of the interval, which has no length where it is unknown."""
    assert estimate.value is not None  # a metric that is not defined decides nothing
    return estimate.value, *(estimate.ends or (estimate.value, estimate.value))


def _spread_equal(x: Floats) -> Floats:
    """Shift equal costs a little, so that intervals do not cover each other."""
    result = x.copy()
    for value in np.unique(x):
        same = np.flatnonzero(x == value)
        step = min(1.06, 1.3 ** (1 / len(same)))
        result[same] *= step ** (np.arange(len(same)) - (len(same) - 1) / 2)
    return result


def accuracy_charts(comparison: Comparison) -> list[Markup]:
    """Draw the best entries' shares of right photos in each class and, if any, each group."""
    return [_class_chart(comparison), _group_chart(comparison)] if comparison.grouped else [_class_chart(comparison)]


@chart_style()
def _class_chart(comparison: Comparison) -> Markup:
    shown = comparison.verdict.order[:FEW]
    labels = [label for label in range(len(comparison.classes)) if (comparison.labels == label).any()][:MANY]
    classes = [comparison.classes[label] for label in labels]
    figure, axes = empty_chart("share right, 95 % interval", "", height=50 + 12 * (1 + len(shown)) * len(classes))
    descriptions = []
    for line, index in enumerate(shown):
        recalls = [recall(comparison, index, label) for label in labels]
        places = np.arange(len(classes)) + (line - (len(shown) - 1) / 2) / (len(shown) + 1)
        values, low, high = np.array([_value_and_ends(value) for value in recalls]).T
        axes.hlines(places, low, high, color=SERIES[line], linewidth=1.2, alpha=0.8)
        style = line_style(line, marker=True) | {"linestyle": ""}
        axes.plot(values, places, **style, label=shortened(comparison.names[index]))
        listing = ", ".join(f"{name} {describe_estimate(value)}" for name, value in zip(classes, recalls, strict=True))
        descriptions.append(f"{comparison.names[index]}: {listing}")
    axes.set_yticks(range(len(classes)), [shortened(name) for name in classes])
    axes.set_ylim(len(classes) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    legend_below(axes)
    return chart_markup(
        figure, f"Accuracy by class. {'; '.join(descriptions)}", "Share of the photos of each class that are right."
    )


def recall(comparison: Comparison, index: int, label: int) -> Estimate:
    """Measure an entry's share of right photos in a class, with its interval over groups."""
    inside = comparison.labels == label
    return estimate_share(comparison.right[index][inside], comparison.groups[inside])


@chart_style()
def _group_chart(comparison: Comparison) -> Markup:
    names, codes = np.unique(comparison.groups, return_inverse=True)
    shown, photos = comparison.verdict.order[:FEW], np.bincount(codes)
    shares = np.array([np.bincount(codes, weights=comparison.right[index]) / photos for index in shown])
    row = max(14, 6 + 5 * len(shown))
    hardest = np.argsort(shares.mean(0), kind="stable")[: TALLEST // row]
    figure, axes = empty_chart("share right", "", height=50 + row * len(hardest))
    for line, index in enumerate(shown):
        # Small, and below each other, so that equal shares of a group do not hide each other.
        offset = 0.8 * ((line + 0.5) / len(shown) - 0.5)
        style = line_style(line, marker=True) | {"linestyle": "", "markersize": 4.5}
        axes.plot(shares[line, hardest], np.arange(len(hardest)) + offset, **style, label=shortened(comparison.names[index]))
    axes.set_yticks(range(len(hardest)), [shortened(f"{names[group]} ({photos[group]})") for group in hardest])
    axes.set_ylim(len(hardest) - 0.5, -0.5)
    legend_below(axes)
    n_hidden = len(names) - len(hardest)
    hidden = f"; {n_hidden} easier ones are not shown" if n_hidden else ""
    listing = ", ".join(str(names[group]) for group in hardest[:5])
    caption = f"By group (of so many photos), the hardest first{hidden}."
    return chart_markup(figure, f"Accuracy by group; the hardest are {listing}", caption)


def learning_charts(comparison: Comparison) -> list[Markup]:
    """Draw validation loss and accuracy by epoch of the best entries."""
    return [
        _learning_chart(comparison, "val/loss", "validation loss", min),
        _learning_chart(comparison, "val/accuracy", "validation accuracy", max),
    ]


@chart_style()
def _learning_chart(comparison: Comparison, column: str, title: str, best: Callable[[list[float]], float]) -> Markup:
    figure, axes = empty_chart("epoch", title)
    descriptions = []
    for number, index in enumerate(comparison.verdict.order[:FEW]):
        curves = [
            rows for run in comparison.configurations[index].runs for rows in run.curves if any(row.get(column) for row in rows)
        ]
        label = shortened(comparison.names[index])
        values: list[float] = []
        for rows in curves:
            style = line_style(number, marker=len(rows) < 15) | {"alpha": 0.9 if len(curves) == 1 else 0.6}
            values += draw_curve(axes, rows, column, label=None if values else label, **style)
        if values:
            descriptions.append(f"{comparison.names[index]} {best(values):.3f}")
    if descriptions:
        legend_below(axes)
    return chart_markup(
        figure, f"{title} by epoch; best: {', '.join(descriptions) or 'not noted'}", "A line for each seed or fold."
    )
