"""How good the network is, on which photos, at which classes, and for whom not."""

import numpy as np
from markupsafe import Markup

from posture_classifier.metrics.auroc import auroc
from posture_classifier.metrics.intervals import Estimate, bounded_interval, estimate_share, resample_weights, wilson_interval
from posture_classifier.metrics.scores import METRICS, estimates
from posture_classifier.metrics.witnesses import Witnesses
from posture_classifier.rendering.confusion_matrix import confusion_table
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.formatting import estimate_cell, percent, percent_interval, why_unknown
from posture_classifier.rendering.page import Section
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.utils.text import describe_size, plural

SHOWN_GROUPS = 20
"""Groups in the table, the worst first."""
MATRIX_CLASSES = 40
"""Classes up to which a confusion matrix can be read."""


def lead(run: FinishedRun, sections: list[Section]) -> Markup:
    """Put the result in words, with links to the sections."""
    evaluated = run.evaluated
    n_right = int((evaluated.predictions.predicted == evaluated.predictions.labels).sum())
    accuracy = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])["accuracy"]
    labels, counts = np.unique(evaluated.predictions.labels, return_counts=True)
    most_common = run.classes[labels[counts.argmax()]]
    split = "validation" if run.summary["split"] == "val" else run.summary["split"]
    result = (
        f"{n_right} of {plural(len(evaluated), f'{split} photo')}. {_expectation(run, accuracy)} "
        f"Always saying {most_common} would be right for {percent(counts.max() / len(evaluated))}."
    )
    return render(
        "report.html",
        "lead",
        network=f"{run.summary['backbone']} in {run.name}",
        share_right=percent(n_right / len(evaluated)),
        result=result,
        caveat=_caveat(run),
        sections=sections,
    )


def _expectation(run: FinishedRun, accuracy: Estimate) -> str:
    """How the network is likely to do on other photos."""
    others = "other groups" if run.evaluated.grouped else "other photos of the same kind"
    if accuracy.ends is None:
        return f"What may be expected of {others} is unknown."
    return f"The 95 % interval is {percent_interval(accuracy.ends)}: so much may be expected of {others}."


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
    """Show all metrics, the confusion matrix, and every class."""
    evaluated = run.evaluated
    measured = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])
    readable = len(run.classes) <= MATRIX_CLASSES
    of_classes = [_class_estimates(run, label) for label in range(len(run.classes))]
    body = render(
        "report.html",
        "result",
        metrics=[[metric.title, estimate_cell(measured[name]), metric.meaning] for name, metric in METRICS.items()],
        photos=describe_size(run.summary),
        unknown=why_unknown([*measured.values(), *(estimate for found in of_classes for estimate in found)]),
        confusion=confusion_table(evaluated.predictions.confusion, run.classes) if readable else None,
        n_classes=len(run.classes),
        classes=[_class_row(run, label, found) for label, found in enumerate(of_classes)],
    )
    return Section("Result", body)


def _class_row(run: FinishedRun, label: int, found: tuple[Estimate, ...]) -> list[str]:
    n_photos = int((run.evaluated.predictions.labels == label).sum())
    return [run.classes[label], str(n_photos), *map(estimate_cell, found)]


def _class_estimates(run: FinishedRun, label: int) -> tuple[Estimate, ...]:
    """Recall, precision and area under the ROC curve of a class."""
    evaluated, seed = run.evaluated, run.summary["seed"]
    labels, predicted = evaluated.predictions.labels, evaluated.predictions.predicted
    of_class, called = labels == label, predicted == label
    recall = estimate_share(predicted[of_class] == label, evaluated.groups[of_class], seed)
    precision = estimate_share(labels[called] == label, evaluated.groups[called], seed)
    return recall, precision, _auroc_against_rest(run, label)


def _auroc_against_rest(run: FinishedRun, label: int) -> Estimate:
    """Area under the ROC curve of one class against all others."""
    evaluated = run.evaluated
    of_class = evaluated.predictions.labels == label
    area, influence = auroc(evaluated.predictions.probabilities[:, label], of_class)
    if area is None:
        return Estimate(None)
    _, codes = np.unique(evaluated.groups, return_inverse=True)
    weights = resample_weights(int(codes.max()) + 1, run.summary["seed"])
    pairs, witnesses = int(of_class.sum() * (~of_class).sum()), Witnesses.of_classes(codes, of_class.astype(np.int64))
    return bounded_interval(area + weights @ np.bincount(codes, weights=influence), witnesses, most_trials=pairs)


def groups_section(run: FinishedRun) -> Section:
    """Show the accuracy of the groups, the worst first."""
    title, evaluated = "Whom it fails on", run.evaluated
    if not evaluated.grouped:
        return Section(title, render("report.html", "no_groups"))
    right = evaluated.predictions.predicted == evaluated.predictions.labels
    names, codes, photos = np.unique(evaluated.groups, return_inverse=True, return_counts=True)
    hits = np.bincount(codes, weights=right)
    worst_first = np.lexsort((names, -(photos - hits), hits / photos))
    rows = []
    for group in worst_first[:SHOWN_GROUPS]:
        n_right, n_photos = int(hits[group]), int(photos[group])
        bar = render("elements.html", "bar", share=n_right / n_photos)
        count = render("elements.html", "together", words=f"{n_right} of {n_photos}")
        rows.append([str(names[group]), bar, count, estimate_cell(wilson_interval(n_right / n_photos, n_photos))])
    summary = f"All photos are right in {int((hits == photos).sum())} of {plural(len(names), 'group')}."
    n_wrong = int(len(right) - right.sum())
    if n_wrong and len(names) > 1:
        share_of_errors = (photos - hits)[worst_first[:3]].sum() / n_wrong
        summary += f" The {min(3, len(names))} worst hold {percent(float(share_of_errors))} of the {plural(n_wrong, 'error')}."
    hidden = max(0, len(names) - SHOWN_GROUPS)
    return Section(title, render("report.html", "groups", summary=summary, rows=rows, hidden=hidden))
