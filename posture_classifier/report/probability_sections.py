"""What the probabilities are good for: thresholds, and how far to believe them."""

import numpy as np

from posture_classifier.metrics.intervals import estimate_mean
from posture_classifier.metrics.scores import estimates
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.metrics.thresholds import Alarm, evaluate_alarm, recall_threshold
from posture_classifier.rendering.page import Html, Section, joined, paragraph, strong, table
from posture_classifier.rendering.svg_charts import chart_row
from posture_classifier.report.charts import precision_recall_chart, reliability_chart, roc_chart
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.report.formatting import cell, number, percent, percents
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.text import plural

CURVES = 6
"""Classes that one chart can hold."""
NO_VALIDATION = (
    "the run's validation photos apart from its test photos, and what its best checkpoint says of them, are needed for it "
    "(val/predictions.csv, or checkpoints/best.ckpt and the photos)"
)


def thresholds_section(run: FinishedRun, chosen_on: PredictionTable | None, recall: float, caught: str | None) -> Section:
    """ROC and precision-recall curves, and what it costs to catch a wanted share of a class."""
    title = f"Catching {percent(recall)} of a class"
    alarms = {} if chosen_on is None else _alarms(run, chosen_on, recall)
    label = run.classes.index(caught) if caught else (1 if len(run.classes) == 2 else None)
    if chosen_on is None:
        said = paragraph(f"No threshold is given here: {NO_VALIDATION}.")
    elif label is not None and label in alarms:
        said = paragraph(_in_words(run, alarms[label], label, recall)) + _table(run, alarms)
    else:
        said = _table(run, alarms)
    if chosen_on is not None:
        said += paragraph(
            f"Each threshold is the highest that catches {percent(recall)} of the class on the {len(chosen_on)} validation photos. "
            "What it does is measured on the test photos, where it may catch more or less. Discs mark it in the curves.",
            "muted",
        )
    return Section(title, said + _curves(run, alarms, label))


def _alarms(run: FinishedRun, chosen_on: PredictionTable, recall: float) -> dict[int, Alarm]:
    evaluated, seed = run.evaluated, run.summary["seed"]
    present = np.unique(chosen_on.predictions.labels).tolist()
    at = {label: recall_threshold(chosen_on.predictions, label, recall) for label in present}
    return {label: evaluate_alarm(evaluated.predictions, evaluated.groups, label, least, seed) for label, least in at.items()}


def _in_words(run: FinishedRun, said: Alarm, label: int, recall: float) -> Html:
    name = run.classes[label]
    others = int((run.evaluated.predictions.labels != label).sum())
    false = round((said.false_alarms.value or 0) * others)
    return strong(
        f"To catch {percent(recall)} of {name}, raise the alarm from a probability of {said.threshold:.3g} on. "
        f"That costs false alarms on {false} of {others} other photos: {percents(said.false_alarms)}."
    ) + (f" It catches {percents(said.recall)} of the {name} photos, and {percents(said.precision)} of the alarms are right.")


def _table(run: FinishedRun, alarms: dict[int, Alarm]) -> Html:
    rows = [
        [run.classes[label], f"{a.threshold:.3g}", cell(a.recall), cell(a.false_alarms), cell(a.precision)]
        for label, a in alarms.items()
    ]
    return table(["class", "alarm from", "caught", "false alarms", "precision"], rows)


def _curves(run: FinishedRun, alarms: dict[int, Alarm], label: int | None) -> Html:
    """Of one class if one is to be caught, or else of those that are told apart worst."""
    predictions = run.evaluated.predictions
    counts = np.bincount(predictions.labels, minlength=len(run.classes))
    drawable = [int(c) for c in np.argsort(-counts, kind="stable") if 0 < counts[c] < len(run.evaluated)]
    shown = [label] if label in drawable else sorted(drawable[:CURVES])
    if not shown:
        return paragraph("There are no curves: all photos are of one class.")
    names = {c: run.classes[c] for c in shown}
    hidden = len(drawable) - len(shown) if label is None else 0
    more = paragraph(f"The curves are of the {CURVES} classes with most photos.", "muted") if hidden else Html()
    drawn = (chart(predictions, names, alarms) for chart in (roc_chart, precision_recall_chart))
    return chart_row(drawn) + more


def calibration_section(run: FinishedRun, fitted_on: PredictionTable | None) -> Section:
    """Reliability before and after temperature scaling."""
    title, evaluated = "Can its probabilities be believed?", run.evaluated
    before = reliability_chart(evaluated.predictions, evaluated.groups, "as it is")
    if fitted_on is None:
        return Section(title, paragraph(f"Temperature scaling is left out: {NO_VALIDATION}.") + chart_row([before]))
    by = fit_temperature(fitted_on.predictions)
    if by is None:
        said = "Every validation photo is right, which fixes no temperature: none was scaled by."
        return Section(title, paragraph(said) + chart_row([before]))
    after = rescale(evaluated.predictions, by)
    return Section(
        title,
        joined(map(paragraph, _in_short(run, fitted_on, by)))
        + chart_row([before, reliability_chart(after, evaluated.groups, f"temperature {by:.2f}")])
        + paragraph(
            "On the dotted line, confidence is what it says: of the photos that it is 80 % sure of, 80 % are right. Lines through "
            "the discs are 95 % intervals, grey bars how many photos there are. With few photos an ECE is above 0 by chance alone.",
            "muted",
        ),
    )


def _in_short(run: FinishedRun, fitted_on: PredictionTable, by: float) -> list[str]:
    evaluated, seed = run.evaluated, run.summary["seed"]
    after = rescale(evaluated.predictions, by)
    change = estimate_mean(after.losses - evaluated.predictions.losses, evaluated.groups, seed)
    old, new = (estimates(predictions, evaluated.groups, seed) for predictions in (evaluated.predictions, after))
    verdict = "It is too sure of itself" if by > 1 else "It is less sure than it could be"
    return [
        f"{verdict}: its logits divided by {by:.2f} fit {plural(len(fitted_on), 'validation photo')} best "
        "(temperature scaling, Guo et al. 2017). What it says stays the same; only how sure it is changes.",
        f"On the test photos, log loss {number(old['log_loss'])} becomes {number(new['log_loss'])}, and the expected calibration "
        f"error {number(old['ece'])} becomes {number(new['ece'])}. {_meaning(change.value, change.low, change.high)}",
    ]


def _meaning(change: float | None, low: float | None, high: float | None) -> str:
    if change is None or low is None or high is None:
        return "Whether that is more than chance is not known."
    measured = f"the log loss changes by {change:+.3f} (95 % interval {low:+.3f} to {high:+.3f})".replace("-", "\N{MINUS SIGN}")
    return f"That is more than chance: {measured}." if low > 0 or high < 0 else f"That is within chance: {measured}."
