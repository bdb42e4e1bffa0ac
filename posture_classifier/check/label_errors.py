"""Probable label errors: photos that a linear head, trained without their group, puts elsewhere.

Wrong labels planted on purpose show how far a list of them is right.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, median_abs_deviation
from scipy.stats import t as student_t

from posture_classifier.check import outliers
from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding
from posture_classifier.check.group_ridge import GroupRidge, Stages, centre_groups, head_features
from posture_classifier.check.sample import MIN_GROUPS_FOR_LABELS, Sample
from posture_classifier.data.scan.similarity import Features
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats, Ints

Mask = npt.NDArray[np.bool_]
FREEDOM = 20
"""Degrees of freedom of the t distribution that margins of right labels are taken to have: a little
heavier in the tail than the normal one, as hard photos make it."""
LEVELS = (0.1, 0.05, 0.02, 0.01)
"""Expected shares of right labels in the list; the largest that trials bear out is used."""
RATE = 0.01
"""Share of the labels that a trial changes: with more wrong labels, a list is right more often."""
PLANTED = 400
"""Labels that all trials change together, at least."""
MAX_TRIALS = 50
PRECISION = 0.9
"""Share of the photos listed in trials that must be those whose labels were changed: four in five,
and room for what trials cannot know, such as hard photos that are listed with and without them."""


@dataclass(frozen=True)
class Trials:
    """What became of labels that were changed on purpose.

    Attributes:
        level: The level of ``LEVELS`` to list photos at; None where at none of them enough of those
            listed are right.
        planted: Labels that were changed, in all trials.
        listed: Photos listed at that level (or the strictest) that were not listed before.
        right: Those of them whose labels had been changed.
    """

    level: float | None
    planted: int
    listed: int
    right: int


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report photos that look like another class, the most certain first.

    Nothing is listed unless most of what would be listed is right in trials with planted errors.
    """
    sample = folder.sample
    if folder.folds is None or min(sample.groups_per_class) < MIN_GROUPS_FOR_LABELS:
        return []
    suspects, predicted, trials = find_suspects(sample, folder.scan.stages[sample.rows], odd_photos(folder))
    values: dict[str, Any] = {"planted": trials.planted, "trial_listed": trials.listed, "trial_right": trials.right}
    if trials.level is None:
        return [Finding("unchecked", "note", _refusal(trials), values=values)]
    if len(suspects) == 0:
        return []
    names = sample.class_names
    captions = [f"{names[sample.labels[index]]}; looks like {names[predicted[index]]}" for index in suspects]
    text = (
        f"{plural(len(suspects), 'photo looks', 'photos look')} like another class than their folder says. Look at them: in "
        f"trials with {RATE:.0%} of the labels changed on purpose, {trials.right} of {trials.listed} photos listed in this way "
        "were truly wrong. Where fewer labels are wrong, fewer of those listed are."
    )
    paths = [[path] for path in folder.readable.paths[suspects].tolist()]
    values |= {"suspects": len(suspects), "looks_like": [names[predicted[index]] for index in suspects]}
    return [Finding("label_errors", "warning", text, paths, captions, values)]


def _refusal(trials: Trials) -> str:
    found = f"only {trials.right} of {trials.listed} photos listed were truly wrong" if trials.listed else "none was found"
    return (
        f"Probable label errors are not listed, since a list would mostly be wrong: in trials with {RATE:.0%} of the labels "
        f"changed on purpose ({trials.planted} in all), {found}."
    )


def odd_photos(folder: CheckedFolder) -> Mask:
    """Whether each photo (N,) of the sample is reported as unclear, or as unlike all others.

    What can hardly be seen says nothing about its label, and what is unlike all photos that a head
    has learnt from is beyond what it can judge.
    """
    found = [finding for finding in outliers.unclear_photos(folder) if finding.severity == "warning"]
    found += [finding for finding in outliers.findings(folder) if finding.kind == "outliers"]
    paths = [path for finding in found for (path,) in finding.photos]
    return np.isin(np.asarray(folder.readable.paths), np.array(paths, dtype=np.str_))


def find_suspects(sample: Sample, stages: Stages, odd: Mask) -> tuple[Ints, Ints, Trials]:
    """Find the photos whose label is probably wrong.

    Args:
        sample: N photos.
        stages: (N, S) features of the earlier stages, as in ``Scan``.
        odd: (N,) photos that are never listed.

    Returns:
        The indices of the suspects, the most certain first; the class (N,) that each photo looks
        like; and the trials that decided how much is listed.
    """
    ridge, scores = _best_head(sample, stages)
    rates = false_discovery_rates(sample.labels, scores)
    trials = run_trials(ridge, sample.labels, rates, odd)
    found = np.flatnonzero((rates <= (-1 if trials.level is None else trials.level)) & ~odd)
    return found[np.argsort(rates[found], kind="stable")], scores.argmax(1), trials


def _best_head(sample: Sample, stages: Stages) -> tuple[GroupRidge, Features]:
    """Train a head on the features, or on what is left of them without the mean of each group.

    The one that finds more of each class counts; its scores are (N, C).
    """
    from sklearn.metrics import balanced_accuracy_score

    n_classes, groups = len(sample.class_names), sample.joined_groups
    features = head_features(sample.features, stages)
    heads = [GroupRidge(features, groups)]
    if len(np.unique(groups)) < len(groups):
        heads.append(GroupRidge(centre_groups(features, groups), groups))
    scores = [head.class_scores([sample.labels], n_classes)[0] for head in heads]
    best = int(np.argmax([balanced_accuracy_score(sample.labels, score.argmax(1)) for score in scores]))
    return heads[best], scores[best]


def false_discovery_rates(labels: Ints, scores: npt.NDArray[np.float32]) -> Floats:
    """For each photo, the expected share of right labels among those at least as suspicious.

    A photo's margin is the score of its label less that of the best other class. Margins of right
    labels are taken to follow, in each class, a t distribution about the class's median; wrong
    labels lie far below (Efron 2004, "Large-scale simultaneous hypothesis testing: the choice of a
    null hypothesis"). Its width is the median absolute deviation, which few wrong labels do not
    change and many only widen, so that less is listed. The rates are those of Benjamini and
    Hochberg 1995.

    Args:
        labels: (N,) classes from 0 to C - 1, each of which occurs.
        scores: (N, C) predictions of a model that was not trained on the photo's group.

    Returns:
        (N,) from 0 to 1; 1 for photos whose own class has the best score.
    """
    rows = np.arange(len(labels))
    others = scores.copy()
    others[rows, labels] = -np.inf
    margin = (scores[rows, labels] - others.max(1)).astype(np.float64)
    z = np.zeros(len(labels))
    for label in np.unique(labels):
        own = margin[labels == label]
        z[labels == label] = (own - np.median(own)) / max(median_abs_deviation(own, scale="normal"), 1e-9)
    rates: Floats = false_discovery_control(np.where(margin < 0, student_t.cdf(z, FREEDOM), 1.0))
    return np.where(margin < 0, rates, 1.0)


def plant_label_errors(labels: Ints, rate: float, generator: np.random.Generator) -> tuple[Ints, Ints]:
    """Give photos, at least one, another class at random; return labels (N,), and whose changed."""
    n_classes = int(labels.max()) + 1
    chosen = generator.choice(len(labels), max(1, round(rate * len(labels))), replace=False)
    changed = labels.copy()
    changed[chosen] = (changed[chosen] + generator.integers(1, n_classes, len(chosen))) % n_classes
    return changed, chosen


def run_trials(ridge: GroupRidge, labels: Ints, rates: Floats, odd: npt.NDArray[np.bool_]) -> Trials:
    """Find out at which level of ``LEVELS`` a list is right, by planting wrong labels.

    Photos that were listed without planted labels count as neither right nor wrong, as nobody
    knows. Those that are listed only beside planted ones count as wrongly listed, although some may
    be label errors of the user's own: so rather less is listed than could be.

    Args:
        ridge: The head.
        labels: (N,) the labels as they are.
        rates: (N,) ``false_discovery_rates`` of these labels.
        odd: (N,) photos that are never listed.
    """
    generator = np.random.default_rng(0)
    n_trials = int(np.clip(np.ceil(PLANTED / max(1, RATE * len(labels))), 1, MAX_TRIALS))
    planted = [plant_label_errors(labels, RATE, generator) for _ in range(n_trials)]
    listed, right = np.zeros(len(LEVELS), dtype=int), np.zeros(len(LEVELS), dtype=int)
    scores = ridge.class_scores([changed for changed, _ in planted], int(labels.max()) + 1)
    for (changed, chosen), trial_scores in zip(planted, scores, strict=True):
        trial_rates = false_discovery_rates(changed, trial_scores)
        new = [(trial_rates <= level) & (rates > level) & ~odd for level in LEVELS]
        listed += [each.sum() for each in new]
        right += [each[chosen].sum() for each in new]
    good = np.flatnonzero((right > 0) & (right >= PRECISION * listed))
    index = int(good[0]) if len(good) else len(LEVELS) - 1
    return Trials(
        LEVELS[index] if len(good) else None, sum(len(chosen) for _, chosen in planted), int(listed[index]), int(right[index])
    )
