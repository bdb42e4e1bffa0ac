"""The report's charts: ROC, precision and recall, and reliability."""

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes

from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import BINS, confidence_bins, reliability
from posture_classifier.metrics.scores import score
from posture_classifier.metrics.thresholds import Alarm, operating_points
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


@chart_style()
def threshold_charts(predictions: Predictions, names: dict[int, str], alarms: dict[int, Alarm]) -> list[Markup]:
    """Draw the ROC and precision-recall curves of classes against the rest, with chosen thresholds.

    Names and alarms are by label; alarms of classes may be missing.
    """
    roc, roc_axes = empty_chart("false alarms", "caught (recall)")
    roc_axes.plot([0, 1], [0, 1], color=INK, alpha=0.35, linewidth=1, linestyle=":")
    trade_off, trade_off_axes = empty_chart("caught (recall)", "alarms that are right (precision)")
    for line, (label, name) in enumerate(names.items()):
        points, style = operating_points(predictions.probabilities[:, label], predictions.labels == label), line_style(line)
        roc_axes.plot([0, *points.false_alarms], [0, *points.recall], **style, label=shortened(name), drawstyle="steps-post")
        trade_off_axes.plot([0, *points.recall], [points.precision[0], *points.precision], **style, label=shortened(name))
        if alarm := alarms.get(label):
            _mark_threshold(roc_axes, alarm.false_alarms, alarm.recall, style["color"])
            _mark_threshold(trade_off_axes, alarm.recall, alarm.precision, style["color"])
    for axes in (roc_axes, trade_off_axes):
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend_below(axes)
    classes = ", ".join(names.values())
    return [
        chart_markup(roc, f"ROC curve of {classes}: share caught by share of false alarms", "ROC: further up and left is better."),
        chart_markup(
            trade_off,
            f"Precision-recall curve of {classes}: share of alarms that are right by share caught",
            "Precision and recall: further up and right is better.",
        ),
    ]


def _mark_threshold(axes: Axes, x: Estimate, y: Estimate, color: str) -> None:
    if x.value is not None and y.value is not None:
        axes.plot(x.value, y.value, "o", color=color, markersize=9, markeredgecolor=GROUND, markeredgewidth=1.5, zorder=5)


@chart_style()
def reliability_chart(predictions: Predictions, groups: npt.NDArray[np.str_], title: str) -> Markup:
    """Draw accuracy by confidence, in the bins of the ECE; bars show how many photos each has.

    The title, before the ECE, says what was predicted how.
    """
    binned, codes = reliability(predictions), confidence_bins(predictions)
    filled = np.flatnonzero(binned.counts)
    right = predictions.predicted == predictions.labels
    figure, axes = empty_chart("confidence: probability of the class that is said", "accuracy", height=300)
    axes.set_title(f"{title}: ECE {score(predictions, 'ece'):.3f}", fontweight="bold")
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.35, linewidth=1, linestyle=":")
    counts = binned.counts / binned.counts.max()
    axes.bar((np.arange(BINS) + 0.5) / BINS, 0.15 * counts, 0.8 / BINS, -0.16, color=INK, alpha=0.25)
    for number in filled:
        estimate = estimate_share(right[codes == number], groups[codes == number])
        if estimate.ends:
            axes.plot([binned.confidence[number]] * 2, estimate.ends, color=SERIES[0], linewidth=1.2, alpha=0.7)
    axes.plot(binned.confidence, binned.accuracy, "o", color=SERIES[0], markeredgecolor=GROUND, markeredgewidth=0.6)
    least = 1 / predictions.probabilities.shape[1]
    axes.set(xlim=(least - 0.03, 1.02), ylim=(-0.17, 1.03), yticks=np.linspace(0, 1, 6))
    pairs = ", ".join(f"{100 * binned.accuracy[b]:.0f} % at {100 * binned.confidence[b]:.0f} %" for b in filled)
    return chart_markup(figure, f"Reliability diagram, {title}; accuracy at confidence: {pairs}")
