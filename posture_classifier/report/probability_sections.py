"""What the probabilities are good for: thresholds, and how far to believe them."""

import numpy as np
from markupsafe import Markup

from posture_classifier.metrics.intervals import Estimate, estimate_mean
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.metrics.temperature_scaling import LEAST, fit_temperature, rescale
from posture_classifier.metrics.thresholds import Alarm, evaluate_alarm, recall_threshold
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.formatting import describe_estimate, estimate_cell, percent, percent_estimate
from posture_classifier.rendering.page import Section
from posture_classifier.report.charts import reliability_chart, threshold_charts
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.report.result_section import auroc_against_rest
from posture_classifier.runs.choice import Choice
from posture_classifier.utils.text import plural

MOST_CURVES = 6
"""Classes that one chart can hold."""


def thresholds_section(run: Evaluated, choice: Choice | None, recall: float, caught: str | None) -> Section:
    """Show ROC and precision-recall curves, and what it costs to catch a wanted share of a class.

    Without a class to catch, every one is taken in turn: which is the alarm is not guessed.
    """
    title = f"Catching {percent(recall)} of a class"
    label = run.classes.index(caught) if caught else None
    if choice is None:
        return Section(title, render("report.html", "no_thresholds", curves=_curves(run, {}, label)))
    alarms = _alarms(run, choice, recall)
    told = alarms if label is None and len(run.classes) == 2 else {label}
    told_classes = [(c, alarm) for c, alarm in alarms.items() if c in told]
    body = render(
        "report.html",
        "thresholds",
        recall=percent(recall),
        chosen_on=choice.photos,
        judged_on=choice.judged,
        in_words=[_in_words(run, alarm, c, recall) for c, alarm in told_classes],
        rows=[
            [run.classes[c], f"{a.threshold:.3g}", *map(estimate_cell, (a.recall, a.false_alarms, a.precision))]
            for c, a in alarms.items()
        ],
        curves=_curves(run, alarms, label),
    )
    return Section(title, body)


def _alarms(run: Evaluated, choice: Choice, recall: float) -> dict[int, Alarm]:
    """Choose each class's threshold, and measure it on photos that did not choose it."""
    evaluated, seed = run.evaluated, run.summary["seed"]
    alarms = {}
    for label in np.unique(choice.predictions.labels).tolist():

        def threshold(predictions: Predictions, label: int = label) -> float | None:
            return recall_threshold(predictions, label, recall) if label in predictions.labels else None

        if chosen := choice.choose(threshold):
            used, judged = chosen
            alarms[label] = evaluate_alarm(evaluated.predictions, evaluated.groups, label, used, seed, judged)
    return alarms


def _in_words(run: Evaluated, alarm: Alarm, label: int, recall: float) -> tuple[str, str]:
    """Advice on the threshold of a class, if it can help, and what following it does."""
    name, area = run.classes[label], auroc_against_rest(run, label)
    if area.value is None:
        return "", "The test photos are all of one kind, so what an alarm would do cannot be said."
    if area.low is None or area.low <= 0.5:
        told = describe_estimate(area)
        return "", f"No alarm is advised: {name} is not shown to be told from the others (AUROC {told}; 0.5 is chance)."
    n_others = int((run.evaluated.predictions.labels != label).sum())
    n_false = round((alarm.false_alarms.value or 0) * n_others)
    advice = (
        f"To catch {percent(recall)} of {name}, raise the alarm from a probability of {alarm.threshold:.3g} on. That costs "
        f"false alarms on {n_false} of {plural(n_others, 'other photo')}: {percent_estimate(alarm.false_alarms)}."
    )
    effect = (
        f"It catches {percent_estimate(alarm.recall)} of the {name} photos, and {percent_estimate(alarm.precision)} of the alarms "
        "are right."
    )
    return advice, effect


def _curves(run: Evaluated, alarms: dict[int, Alarm], label: int | None) -> Markup:
    """Draw the curves of the class to catch, or else of the classes with most photos."""
    predictions = run.evaluated.predictions
    counts = np.bincount(predictions.labels, minlength=len(run.classes))
    drawable = [int(c) for c in np.argsort(-counts, kind="stable") if 0 < counts[c] < len(run.evaluated)]
    shown = [label] if label in drawable else sorted(drawable[:MOST_CURVES])
    names = {c: run.classes[c] for c in shown if c is not None}
    charts = threshold_charts(predictions, names, alarms) if names else []
    most_classes = MOST_CURVES if label is None and len(drawable) > len(shown) else 0
    return render("report.html", "curves", charts=charts, most_classes=most_classes)


def calibration_section(run: Evaluated, choice: Choice | None) -> Section:
    """Show reliability before and after temperature scaling, fitted to other photos."""
    title, evaluated = "Can its probabilities be believed?", run.evaluated
    before = reliability_chart(evaluated.predictions, evaluated.groups, "as it is")
    chosen = None if choice is None else choice.choose(fit_temperature)
    if choice is None or chosen is None:
        return Section(title, render("report.html", "uncalibrated", has_validation=choice is not None, least=LEAST, chart=before))
    temperature, judged = chosen
    rescaled = rescale(evaluated.predictions, judged)
    low, high = judged.min(), judged.max()
    title_after = f"temperature {low:.2f}" if low == high else f"temperatures {low:.2f} to {high:.2f}"
    after = reliability_chart(rescaled, evaluated.groups, title_after)
    sentences = _in_short(run, choice, temperature, rescaled)
    return Section(title, render("report.html", "calibration", sentences=sentences, charts=[before, after]))


def _in_short(run: Evaluated, choice: Choice, temperature: float, rescaled: Predictions) -> list[str]:
    evaluated, seed = run.evaluated, run.summary["seed"]
    change = estimate_mean(rescaled.losses - evaluated.predictions.losses, evaluated.groups, seed)
    old, new = (estimates(predictions, evaluated.groups, seed) for predictions in (evaluated.predictions, rescaled))
    return [
        f"{_verdict(change, temperature)} Its logits divided by {temperature:.2f} fit "
        f"{choice.photos} best (temperature scaling, Guo et al. 2017). What it says stays the same; "
        "only how sure it is changes.",
        f"On {choice.judged}, log loss {describe_estimate(old['log_loss'])} becomes {describe_estimate(new['log_loss'])}, and the "
        f"expected calibration error {describe_estimate(old['ece'])} becomes {describe_estimate(new['ece'])}.",
    ]


def _verdict(change: Estimate, temperature: float) -> str:
    """Say whether a temperature helps, by how it changes the log loss of the test photos."""
    if change.value is None or change.ends is None:
        return "Whether a temperature would help cannot be said: the test photos are of too few groups."
    low, high = change.ends
    measured = f"the log loss of the test photos changes by {change.value:+.3f} (95 % interval {low:+.3f} to {high:+.3f})"
    measured = measured.replace("-", "\N{MINUS SIGN}")
    if high < 0:
        sure = "It is too sure of itself" if temperature > 1 else "It is less sure than it could be"
        return f"{sure}: {measured}, by more than chance."
    if low > 0:
        return f"Leave its probabilities as they are, since a temperature makes them worse: {measured}."
    return f"It is not shown that a temperature helps: {measured}, which is within chance."
