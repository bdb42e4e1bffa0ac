"""Wrong labels planted on purpose, which show how far a list of probable label errors is right."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, median_abs_deviation
from scipy.stats import t as student_t

from posture_classifier.check.group_ridge import GroupRidge
from posture_classifier.utils.types import Floats, Ints

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
    """Give photos, drawn at random, another class at random.

    Returns:
        All labels (N,), and the indices of those that were changed, at least one.
    """
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
