"""What to photograph next, as far as the figures show it: people, groups and classes, shortcuts."""

import numpy as np
import numpy.typing as npt
from scipy.stats import fisher_exact, norm

from posture_classifier.metrics.intervals import Estimate, estimate_mean, wilson_interval
from posture_classifier.metrics.paired_tests import holm
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.formatting import p_value, percent_estimate, points
from posture_classifier.rendering.page import Section
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.report.known_check import KnownCheck
from posture_classifier.utils.text import plural, shortlist

LEVEL = 0.05
"""Adjusted p-value below which a group is shown to be harder than the others."""
SHORTCUTS = ("file_property_shortcut", "light_shortcut")


def next_photos_section(run: Evaluated, check: KnownCheck | None) -> Section:
    """Advise in three lines, each with its figures."""
    lines = [
        ("People", _people(check)),
        ("Whom and what it fails on", _hardest(run)),
        ("The same way for every class", _shortcuts(check)),
    ]
    return Section("What should I photograph next?", render("report.html", "next_photos", lines=lines))


def _people(check: KnownCheck | None) -> str:
    if check is None:
        return "Whether photos of more people would help is not known before check has looked at them."
    found = check.find("more_groups")
    return found[0]["text"] if found else "Whether photos of more people would help cannot be said of so few groups with names."


def _shortcuts(check: KnownCheck | None) -> str:
    if check is None:
        return "Whether light or files alone tell the classes is not known before check has looked at them."
    if found := check.find(*SHORTCUTS):
        return " ".join(finding["text"] for finding in found)
    if unchecked := check.find("unchecked"):
        return unchecked[0]["text"]
    return "Neither light nor the properties of files were found to tell the classes, so go on in this way."


def _hardest(run: Evaluated) -> str:
    if run.evaluated.correct.all():
        return "No photo is wrong, so no group and no class is shown to be harder than others."
    return " ".join(filter(None, (_hardest_groups(run), _hardest_class(run))))


def _hardest_groups(run: Evaluated) -> str:
    """Name the groups that have more errors than the others by more than chance."""
    groups = run.evaluated.worst_groups()
    n_right, n_photos = int(run.evaluated.correct.sum()), len(run.evaluated)
    if not run.evaluated.grouped or len(groups) < 2:
        return ""
    tables = [[[right, photos - right], [n_right - right, n_photos - n_right - photos + right]] for _, right, photos in groups]
    p = holm(np.array([fisher_exact(table, alternative="less").pvalue for table in tables]))
    if harder := [index for index in np.argsort(p, kind="stable") if p[index] < LEVEL]:
        told = [f"{name} ({right} of {photos} right)" for name, right, photos in (groups[index] for index in harder)]
        chance = p_value(float(p[harder[0]])).removeprefix("< ")
        sign = "<" if p[harder[0]] < 0.001 else "="
        return f"Photograph more people and scenes like {shortlist(told, 3)}: worse than the others (Holm's p {sign} {chance})."
    name, right, photos = groups[0]
    share = percent_estimate(wilson_interval(right / photos, photos))
    worst = f"of the worst, {name}, {right} of {plural(photos, 'photo')} are right, {share}"
    return f"No group is shown to be harder than the others: {worst}."


def _hardest_class(run: Evaluated) -> str:
    """Say whether the class that is found least is harder than the others by more than chance."""
    labels, correct = run.evaluated.predictions.labels, run.evaluated.correct
    present, counts = np.unique(labels, return_counts=True)
    if len(present) < 2:
        return ""
    found = np.bincount(labels, weights=correct)[present]
    worst = int(np.argmin(found / counts))
    estimate = _difference(run, labels == present[worst], len(present))
    name = run.classes[present[worst]]
    sizes = f"{int(found[worst])} of its {plural(int(counts[worst]), 'photo')} are found"
    others = f"{int(found.sum() - found[worst])} of the other {int(counts.sum() - counts[worst])}"
    if estimate.value is None or estimate.ends is None:
        return f"Whether {name} is harder than the rest cannot be said of so few groups: {sizes}, {others}."
    difference, low, high = map(points, (estimate.value, *estimate.ends))
    figures = f"{sizes}, {others}, a difference of {difference} points (95 % interval {low} to {high})"
    verdict = f"Photograph more of {name}" if estimate.ends[1] < 0 else f"{name} is not shown to be harder than the rest"
    return f"{verdict}: {figures}."


def _difference(run: Evaluated, of_class: npt.NDArray[np.bool_], n_classes: int) -> Estimate:
    """Recall of a class less that of the others, with an interval that allows for having chosen it.

    The interval is that of the mean of each photo's influence on the difference (the delta method),
    over groups; it is as much wider as Bonferroni's for as many classes.
    """
    hits = run.evaluated.correct.astype(np.float64)
    influence = np.zeros(len(hits))
    for part, sign in ((of_class, 1), (~of_class, -1)):
        share = hits[part].mean()
        influence[part] += sign * (hits[part] - share) * len(hits) / part.sum()
        influence += sign * share
    estimate = estimate_mean(influence, run.evaluated.groups, run.summary["seed"])
    if estimate.value is None or estimate.ends is None:
        return estimate
    wider = float(norm.ppf(1 - 0.025 / n_classes) / norm.ppf(0.975)) if n_classes > 2 else 1.0
    low, high = (estimate.value + wider * (end - estimate.value) for end in estimate.ends)
    return Estimate(estimate.value, max(low, -1.0), min(high, 1.0))
