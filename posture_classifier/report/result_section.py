"""How good the network is, on which photos, at which classes, and for whom not."""

import numpy as np
from markupsafe import Markup

from posture_classifier.metrics.auroc import auroc
from posture_classifier.metrics.intervals import Estimate, bounded_interval, estimate_share, resample_weights, wilson_interval
from posture_classifier.metrics.scores import METRICS, estimates
from posture_classifier.metrics.witnesses import Witnesses
from posture_classifier.rendering.confusion_matrix import confusion_table
from posture_classifier.rendering.elements import SHADE, render
from posture_classifier.rendering.formatting import estimate_cell, percent, percent_interval, why_unknown
from posture_classifier.rendering.page import Section
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.runs.status import find_status, status_line
from posture_classifier.utils.text import describe_size, plural

SHOWN_GROUPS = 8
"""Groups with errors in the table, the worst first; the others are folded."""
MOST_GROUPS = 200
"""Groups in the folded table."""
SMALL_GROUP, FEW_GROUPS = 5, 3
"""Photos below which a group's own share says next to nothing: such groups are folded, unless there
are few groups with errors."""
Group = tuple[str, int, int]
"""Name, number of right photos, number of photos."""
MATRIX_CLASSES = 40
"""Classes up to which a confusion matrix can be read."""


def lead(run: Evaluated, sections: list[Section]) -> Markup:
    """Put the result in words, with links to the sections."""
    evaluated = run.evaluated
    n_right = int(evaluated.correct.sum())
    accuracy = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])["accuracy"]
    validation = run.summary["split"] == "val"
    status = find_status(
        evaluated.predictions, run.classes, accuracy, run.summary["groups"], validation=validation, near_copies=run.near_copies
    )
    result = (
        f"{n_right} of {plural(len(evaluated), 'validation photo' if validation else 'test photo')}. {_expectation(run, accuracy)}"
    )
    if "not_above_commonest" not in status:
        result += f" {_commonest(run)}"
    return render(
        "report.html",
        "lead",
        network=f"{run.summary['backbone']} in {run.name}",
        share_right=percent(n_right / len(evaluated)),
        result=result,
        caveat=status_line(status) or run.how_tested,
        sections=sections,
    )


def _expectation(run: Evaluated, accuracy: Estimate) -> str:
    """How the network is likely to do on other photos."""
    others = "other groups" if run.evaluated.grouped else "other photos of the same kind"
    if accuracy.ends is None:
        return f"What may be expected of {others} is unknown."
    return f"The 95 % interval is {percent_interval(accuracy.ends)}: so much may be expected of {others}."


def _commonest(run: Evaluated) -> str:
    """Say how good it would be to say one class always."""
    labels, counts = np.unique(run.evaluated.predictions.labels, return_counts=True)
    return f"Always saying {run.classes[labels[counts.argmax()]]} would be right for {percent(counts.max() / len(run.evaluated))}."


def result_section(run: Evaluated) -> Section:
    """Show all metrics, the confusion matrix, and every class."""
    evaluated = run.evaluated
    measured = estimates(evaluated.predictions, evaluated.groups, run.summary["seed"])
    readable = len(run.classes) <= MATRIX_CLASSES
    of_classes = [_class_estimates(run, label) for label in range(len(run.classes))]
    body = render(
        "report.html",
        "result",
        metrics=[[METRICS[name].title, estimate_cell(estimate), METRICS[name].meaning] for name, estimate in measured.items()],
        photos=describe_size(run.summary),
        unknown=why_unknown([*measured.values(), *(estimate for found in of_classes for estimate in found)]),
        confusion=confusion_table(evaluated.predictions.confusion, run.classes) if readable else None,
        most=SHADE,
        n_classes=len(run.classes),
        classes=[_class_row(run, label, found) for label, found in enumerate(of_classes)],
    )
    return Section("Result", body)


def _class_row(run: Evaluated, label: int, found: tuple[Estimate, ...]) -> list[str]:
    n_photos = int((run.evaluated.predictions.labels == label).sum())
    return [run.classes[label], str(n_photos), *map(estimate_cell, found)]


def _class_estimates(run: Evaluated, label: int) -> tuple[Estimate, ...]:
    """Recall, precision and area under the ROC curve of a class."""
    evaluated, seed = run.evaluated, run.summary["seed"]
    labels, predicted = evaluated.predictions.labels, evaluated.predictions.predicted
    of_class, called = labels == label, predicted == label
    recall = estimate_share(predicted[of_class] == label, evaluated.groups[of_class], seed)
    precision = estimate_share(labels[called] == label, evaluated.groups[called], seed)
    return recall, precision, auroc_against_rest(run, label)


def auroc_against_rest(run: Evaluated, label: int) -> Estimate:
    """Area under the ROC curve of one class against all others."""
    evaluated = run.evaluated
    if not METRICS["auroc"].can_be_measured(evaluated.predictions):
        return Estimate(None)
    of_class = evaluated.predictions.labels == label
    area, influence = auroc(evaluated.predictions.probabilities[:, label], of_class)
    if area is None:
        return Estimate(None)
    _, codes = np.unique(evaluated.groups, return_inverse=True)
    weights = resample_weights(int(codes.max()) + 1, run.summary["seed"])
    pairs, witnesses = int(of_class.sum() * (~of_class).sum()), Witnesses.of_classes(codes, of_class.astype(np.int64))
    return bounded_interval(area + weights @ np.bincount(codes, weights=influence), witnesses, most_trials=pairs)


def groups_section(run: Evaluated) -> Section:
    """Show the accuracy of the groups with errors, the worst first; the others are summed up."""
    title, evaluated = "Whom it fails on", run.evaluated
    if not evaluated.grouped:
        return Section(title, render("report.html", "no_groups"))
    groups = evaluated.worst_groups()
    wrong = [group for group in groups if group[1] < group[2]]
    shown = [group for group in wrong if group[2] >= SMALL_GROUP or len(wrong) <= FEW_GROUPS][:SHOWN_GROUPS]
    rest = [group for group in wrong if group not in shown]
    body = render(
        "report.html",
        "groups",
        summary=_groups_in_words(groups),
        rows=list(map(_group_row, shown)),
        folded_rows=list(map(_group_row, rest[:MOST_GROUPS])),
        folded_title=_folded_title(rest, bool(shown)),
    )
    return Section(title, body)


def _groups_in_words(groups: list[Group]) -> str:
    right = [n_photos for _, n_right, n_photos in groups if n_right == n_photos]
    errors = [n_photos - n_right for _, n_right, n_photos in groups]
    n_wrong = sum(errors)
    summary = f"All photos are right in {len(right)} of {plural(len(groups), 'group')}"
    summary += f" ({plural(sum(right), 'photo')})." if right else "."
    if n_wrong and len(groups) > 3:  # of fewer groups the three worst are all
        worst = sum(sorted(errors)[-3:])
        summary += f" The 3 with most errors hold {percent(worst / n_wrong)} of the {plural(n_wrong, 'error')}."
    return summary


def _folded_title(rest: list[Group], beside_others: bool) -> str:
    n_right, n_photos = sum(right for _, right, _ in rest), sum(photos for *_, photos in rest)
    which = "more groups" if beside_others else "groups"
    title = f"{len(rest)} {which} with errors, {n_right} of {plural(n_photos, 'photo')} right"
    return f"{title}; the worst {MOST_GROUPS}" if len(rest) > MOST_GROUPS else title


def _group_row(group: Group) -> list[str | Markup]:
    name, n_right, n_photos = group
    bar = render("elements.html", "bar", share=n_right / n_photos)
    count = render("elements.html", "together", words=f"{n_right} of {n_photos}")
    return [name, bar, count, estimate_cell(wilson_interval(n_right / n_photos, n_photos))]
