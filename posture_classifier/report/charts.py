"""The report's figures."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from posture_classifier.metrics.intervals import estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import BINS, confidence_bins, reliability
from posture_classifier.metrics.scores import score
from posture_classifier.metrics.thresholds import Alarm, operating_points
from posture_classifier.rendering.page import Html
from posture_classifier.rendering.svg_charts import GROUND, INK, SERIES, chart, drawing, legend_below, line_style, picture


@drawing()
def roc_chart(predictions: Predictions, names: dict[int, str], marks: dict[int, Alarm]) -> Html:
    """One curve a class against the rest, with the thresholds that were chosen."""
    figure, axes = chart("false alarms", "caught (recall)")
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.35, linewidth=1, linestyle=":")
    for line, (label, name) in enumerate(names.items()):
        points = operating_points(predictions.probabilities[:, label], predictions.labels == label)
        style = line_style(line)
        axes.plot([0, *points.false_alarms], [0, *points.recall], **style, label=name, drawstyle="steps-post")
        if mark := marks.get(label):
            _mark(axes, mark.false_alarms.value, mark.recall.value, line)
    _unit_square(axes)
    legend_below(axes)
    listing = ", ".join(names.values())
    return picture(figure, f"ROC curve of {listing}: share caught by share of false alarms", "ROC: further up and left is better.")


@drawing()
def precision_recall_chart(predictions: Predictions, names: dict[int, str], marks: dict[int, Alarm]) -> Html:
    """One curve a class against the rest, with the thresholds that were chosen."""
    figure, axes = chart("caught (recall)", "alarms that are right (precision)")
    for line, (label, name) in enumerate(names.items()):
        points = operating_points(predictions.probabilities[:, label], predictions.labels == label)
        style = line_style(line)
        axes.plot([0, *points.recall], [points.precision[0], *points.precision], **style, label=name)
        if mark := marks.get(label):
            _mark(axes, mark.recall.value, mark.precision.value, line)
    _unit_square(axes)
    legend_below(axes)
    listing = ", ".join(names.values())
    alt = f"Precision-recall curve of {listing}: share of alarms that are right by share caught"
    return picture(figure, alt, "Precision and recall: further up and right is better.")


def _mark(axes: Axes, x: float | None, y: float | None, line: int) -> None:
    if x is not None and y is not None:
        axes.plot(x, y, "o", color=SERIES[line % len(SERIES)], markersize=9, markeredgecolor=GROUND, markeredgewidth=1.5, zorder=5)


def _unit_square(axes: Axes) -> None:
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


@drawing()
def reliability_chart(predictions: Predictions, groups: npt.NDArray[np.str_], title: str) -> Html:
    """Accuracy by confidence, in the bins that the ECE takes; below, how many photos are in each."""
    binned, codes = reliability(predictions), confidence_bins(predictions)
    right = predictions.predicted == predictions.labels
    figure, axes = chart("confidence: probability of the class that is said", "accuracy", height=300)
    axes.set_title(f"{title}: ECE {score(predictions, 'ece'):.3f}", fontweight="bold")
    axes.plot([0, 1], [0, 1], color=INK, alpha=0.35, linewidth=1, linestyle=":")
    counts = binned.counts / binned.counts.max()
    axes.bar((np.arange(BINS) + 0.5) / BINS, 0.15 * counts, 0.8 / BINS, -0.16, color=INK, alpha=0.25)
    for number in np.flatnonzero(binned.counts):
        inside = codes == number
        low, high = _ends(right[inside], groups[inside])
        axes.plot([binned.confidence[number]] * 2, [low, high], color=SERIES[0], linewidth=1.2, alpha=0.7)
    axes.plot(binned.confidence, binned.accuracy, "o", color=SERIES[0], markeredgecolor=GROUND, markeredgewidth=0.6)
    least = 1 / predictions.probabilities.shape[1]
    axes.set(xlim=(least - 0.03, 1.02), ylim=(-0.17, 1.03), yticks=np.linspace(0, 1, 6))
    filled = binned.counts > 0
    said = ", ".join(
        f"{100 * a:.0f} % at {100 * c:.0f} %" for c, a in zip(binned.confidence[filled], binned.accuracy[filled], strict=True)
    )
    return picture(figure, f"Reliability diagram, {title}; accuracy at confidence: {said}")


def _ends(hits: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]) -> tuple[float, float]:
    """The interval of a share, or the share itself where one group says nothing of others."""
    measured = estimate_share(hits, groups)
    if measured.low is None or measured.high is None:
        return (float(hits.mean()),) * 2
    return measured.low, measured.high


@drawing()
def learning_chart(rows: list[dict[str, str]], names: dict[str, str], title: str, best: int | None) -> Html:
    """Columns of ``metrics.csv`` by epoch; the ground darkens where more stages are open, and says how many.

    Args:
        rows: One an epoch.
        names: What each column is called in the figure.
        title: Of the figure.
        best: The epoch that the checkpoint is of.
    """
    epochs = [int(row["epoch"]) for row in rows]
    figure, axes = chart("epoch", title)
    for line, (column, name) in enumerate(names.items()):
        axes.plot(epochs, [float(row.get(column) or "nan") for row in rows], **line_style(line, marker=True), label=name)
    _shade_phases(rows, axes)
    if best is not None:
        axes.axvline(best, color=INK, alpha=0.5, linewidth=1, linestyle=":")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlim(epochs[0] - 0.5, epochs[-1] + 0.5)
    axes.legend()
    last = "; ".join(f"{name} ends at {rows[-1].get(column) or 'nothing'}" for column, name in names.items())
    return picture(figure, f"{title} by epoch: {last}")


def _shade_phases(rows: list[dict[str, str]], axes: Axes) -> None:
    for first, last, n_open, darkness in _phases(rows):
        axes.axvspan(first - 0.5, last + 0.5, color=INK, alpha=0.13 * darkness, linewidth=0)
        text = "head" if n_open == 1 else f"{n_open} stages"
        axes.text(first - 0.45, 1.02, text, transform=axes.get_xaxis_transform(), fontsize=10)


def _phases(rows: list[dict[str, str]]) -> Iterable[tuple[int, int, int, float]]:
    """First and last epoch, stages open, and the share of the most that are ever open."""
    epochs = [int(row["epoch"]) for row in rows]
    counts = [int(float(row.get("stages_open") or 0)) for row in rows]
    starts = [0, *(i for i in range(1, len(rows)) if counts[i] != counts[i - 1])]
    for start, end in zip(starts, [*starts[1:], len(rows)], strict=True):
        if counts[start]:
            yield epochs[start], epochs[end - 1], counts[start], (counts[start] - 1) / max(1, max(counts) - 1)
