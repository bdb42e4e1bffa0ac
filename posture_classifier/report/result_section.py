"""How good the network is, on which photos, at which classes, and for whom not."""

import numpy as np

from posture_classifier.metrics.auroc import auroc
from posture_classifier.metrics.intervals import Estimate, auroc_interval, estimate_share, resample_weights, wilson_interval
from posture_classifier.metrics.scores import METRICS, estimates
from posture_classifier.rendering.page import Html, Section, bar, heading, matrix, paragraph, strong, table, together
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.report.formatting import cell, percent
from posture_classifier.utils.text import describe_size, plural

GROUPS = 20
"""Shown, the worst first."""
MATRIX = 40
"""Classes up to which a confusion matrix can be read."""


def lead(run: FinishedRun) -> Html:
    """The result in words."""
    evaluated = run.evaluated
    right = int((evaluated.predictions.predicted == evaluated.predictions.labels).sum())
    accuracy = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])["accuracy"]
    labels, counts = np.unique(evaluated.predictions.labels, return_counts=True)
    common, most = run.classes[labels[counts.argmax()]], counts.max() / len(evaluated)
    split = {"val": "validation"}.get(run.summary["split"], run.summary["split"])
    return (
        paragraph(f"{percent(right / len(evaluated))} right", "big")
        + paragraph(
            f"{right} of {len(evaluated)} {split} photos. {_outlook(run, accuracy)} "
            f"Always saying {common} would be right for {percent(most)}.",
            "lead",
        )
        + paragraph(_caveat(run), "muted")
    )


def _outlook(run: FinishedRun, accuracy: Estimate) -> str:
    whose = "other groups" if run.evaluated.grouped else "other photos of the same kind"
    if accuracy.low is None or accuracy.high is None:
        return f"The 95 % interval is unknown: one group tells nothing of {whose}."
    low, high = percent(accuracy.low).removesuffix(" %"), percent(accuracy.high)
    return f"The 95 % interval is {low} to {high}: so much may be expected of {whose}."


def _caveat(run: FinishedRun) -> str:
    """Who was tested, and what that leaves open."""
    if run.summary["split"] == "val":
        return "There were no test photos: these also chose the best epoch, so that the figures flatter."
    if run.evaluated.grouped:
        return f"These are {describe_size(run.summary)}, and no photo of them was trained on. The intervals are drawn over groups."
    return (
        "No groups were named: if one person or session has photos on both sides of the split, the figures flatter "
        "(data.group_pattern names groups)."
    )


def result_section(run: FinishedRun) -> Section:
    """All figures, the confusion matrix, and every class."""
    evaluated = run.evaluated
    measured = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])
    rows = [[metric.title, cell(measured[name]), metric.meaning] for name, metric in METRICS.items()]
    body = table(["figure", "value (95 % interval)", "what it is"], rows, f"On {describe_size(run.summary)}.")
    if len(run.classes) <= MATRIX:
        body += heading("What is taken for what")
        body += matrix(evaluated.predictions.confusion, run.classes, "true class", "what the network says")
    else:
        body += paragraph(
            f"A confusion matrix of {len(run.classes)} classes cannot be read; the predictions are in the run folder."
        )
    return Section("Result", body + heading("Class by class") + _classes(run))


def _classes(run: FinishedRun) -> Html:
    evaluated, seed = run.evaluated, run.summary["seed"]
    labels, said = evaluated.predictions.labels, evaluated.predictions.predicted
    rows = []
    for label, name in enumerate(run.classes):
        of_class, called = labels == label, said == label
        recall = estimate_share(said[of_class] == label, evaluated.groups[of_class], seed)
        precision = estimate_share(labels[called] == label, evaluated.groups[called], seed)
        rows.append([name, str(of_class.sum()), cell(recall), cell(precision), cell(_area(run, label))])
    return table(["class", "photos", "recall: found of it", "precision: right when said", "AUROC against the rest"], rows)


def _area(run: FinishedRun, label: int) -> Estimate:
    """Under the ROC curve of a class against the rest."""
    evaluated = run.evaluated
    of_class = evaluated.predictions.labels == label
    area, influence = auroc(evaluated.predictions.probabilities[:, label], of_class)
    if area is None:
        return Estimate(None)
    _, codes = np.unique(evaluated.groups, return_inverse=True)
    weights = resample_weights(int(codes.max()) + 1, run.summary["seed"])
    pairs = int(of_class.sum() * (~of_class).sum())
    return auroc_interval(area + weights @ np.bincount(codes, weights=influence), weights.shape[1], pairs)


def groups_section(run: FinishedRun) -> Section:
    """Every group's accuracy, the worst first."""
    title, evaluated = "Whom it fails on", run.evaluated
    if not evaluated.grouped:
        return Section(
            title, paragraph("No groups were named, so it cannot be said whether it fails on some people and not on others.")
        )
    right = evaluated.predictions.predicted == evaluated.predictions.labels
    names, codes, photos = np.unique(evaluated.groups, return_inverse=True, return_counts=True)
    hits = np.bincount(codes, weights=right)
    order = np.lexsort((names, -(photos - hits), hits / photos))
    rows = [
        [
            str(names[g]),
            bar(hits[g] / photos[g]),
            together(f"{int(hits[g])} of {photos[g]}"),
            cell(wilson_interval(hits[g] / photos[g], int(photos[g]))),
        ]
        for g in order[:GROUPS]
    ]
    flawless, wrong = int((hits == photos).sum()), int(len(right) - right.sum())
    said = f"{flawless} of {len(names)} groups are all right."
    if wrong:
        share_of_errors = (photos - hits)[order[:3]].sum() / wrong
        said += f" The {min(3, len(names))} worst hold {percent(float(share_of_errors))} of the {plural(wrong, 'error')}."
    more = f" {len(names) - GROUPS} more are not shown." if len(names) > GROUPS else ""
    caption = "The interval (Wilson) is for further photos of the same group."
    body = paragraph(strong(said) + more) + table(["group", "", "right", "accuracy (95 % interval)"], rows, caption)
    return Section(title, body)
