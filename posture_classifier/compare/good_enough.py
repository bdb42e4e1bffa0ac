"""Which configurations are shown to be good enough to take."""

from bisect import bisect_left
from dataclasses import dataclass, replace
from math import ceil, floor, log2

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.paired_tests import POWER, Differences, limit_errors, upper_limits
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, score
from posture_classifier.metrics.witnesses import FEWEST

MOST_GROUPS = 10**9
"""Groups beyond which no number is looked for."""
LEVEL = 0.05
"""Chance, at most, that one is recommended that is truly worse than another by more than that."""


@dataclass(frozen=True)
class GoodEnough:
    """The configurations that are shown to be at most a margin worse than any, and above chance.

    Attributes:
        margin: The margin, in the unit of the metric.
        chance: The metric of always saying the commonest class, with the shares of the classes as
            probabilities.
        indices: Those shown to be good enough, the best value first.
        best_above_chance: Whether the best value's is shown to be above chance.
        more_groups: Further groups or single photos that would show the best value's to be good
            enough; None where no number would, or where it is shown already.
    """

    margin: float
    chance: float
    indices: list[int]
    best_above_chance: bool
    more_groups: int | None

    def cheapest(self, multiply_adds: list[int | None]) -> int | None:
        """Index of the configuration to take: of those good enough that with fewest multiply-adds.

        Of several with equally many the better one counts. One whose count is not known (None) is
        taken only if none is.

        Returns:
            The index; None where none is shown to be good enough.
        """
        return min(self.indices, key=lambda index: (multiply_adds[index] is None, multiply_adds[index] or 0), default=None)


def find_good_enough(
    metric: str, order: list[int], estimates: list[Estimate], differences: Differences, n_groups: int, chance: float, margin: float
) -> GoodEnough:
    """Find the configurations that are shown to be good enough.

    Each is tested against all others, so that the best one need not be known. The level is divided
    by the number of those that may be worse, since the cheapest of all that pass is recommended.

    Args:
        metric: Name of the metric that decides.
        order: Indices of the K configurations from the best value to the worst.
        estimates: Their values of the metric, with intervals.
        differences: Differences between all pairs of them.
        n_groups: Number of groups, or of photos where each is its own group.
        chance: The metric of always saying the commonest class.
        margin: How much worse than any other, in the unit of the metric, one may be.
    """
    sign, level = 1 if METRICS[metric].higher_is_better else -1, LEVEL / max(1, len(order) - 1)
    gains = replace(differences, values=sign * differences.values)
    limits = upper_limits(gains, n_groups, level)
    np.fill_diagonal(limits, -np.inf)
    shown = limits.max(axis=0) < margin
    above = [estimate.ends is not None and min(sign * (end - chance) for end in estimate.ends) > 0 for estimate in estimates]
    indices = [index for index in order if shown[index] and above[index]]
    best = order[0]
    more = [
        _more_groups_above_chance(estimates[best], chance, sign, n_groups),
        *_more_groups_within_margin(gains, best, n_groups, level, margin),
    ]
    known = [number for number in more if number is not None]
    return GoodEnough(margin, chance, indices, above[best], max(known) if best not in indices and len(known) == len(more) else None)


def chance_level(metric: str, predictions: Predictions) -> float:
    """The metric of giving every photo the classes' shares among the photos as probabilities.

    Example:
        >>> labels = np.array([0, 0, 0, 1])
        >>> chance_level("accuracy", Predictions(np.arange(4), labels, np.eye(2)[labels]))
        0.75
    """
    n_photos, n_classes = predictions.probabilities.shape
    shares = np.bincount(predictions.labels, minlength=n_classes) / n_photos
    return score(replace(predictions, probabilities=np.tile(shares, (n_photos, 1))), metric)


def _more_groups_above_chance(estimate: Estimate, chance: float, sign: int, n_groups: int) -> int | None:
    """Further groups that would narrow an interval until it lies above chance."""
    assert estimate.value is not None  # a metric that is not defined decides nothing
    gain = sign * (estimate.value - chance)
    if gain <= 0:
        return None
    if estimate.ends is None:
        return max(1, FEWEST - n_groups)  # an interval at all is needed first
    width = max(sign * (estimate.value - end) for end in estimate.ends)
    return max(0, ceil(n_groups * (width / gain) ** 2) - n_groups)


def _more_groups_within_margin(gains: Differences, best: int, n_groups: int, level: float, margin: float) -> list[int | None]:
    """Further groups that would show the best to be at most the margin worse than each other."""
    fewest = floor(-log2(level)) + 1  # fewer show nothing at all
    allowed = ((gains.values[best] + margin) / float(ndtri(1 - level) + ndtri(POWER))) ** 2

    def shown(total: int) -> npt.NDArray[np.bool_]:
        """(K,) whether so many groups show it; what they cannot have shown shrinks fastest."""
        scaled = gains.group_errors * np.sqrt(n_groups / total)
        return np.asarray(limit_errors(replace(gains, group_errors=scaled), total)[best] ** 2 <= allowed)

    others = [other for other in range(len(allowed)) if other != best]
    hopeless = gains.seed_errors[best] ** 2 > allowed / 2  # more seeds are needed first
    totals = range(max(fewest, n_groups + 1), MOST_GROUPS)
    return [
        None if hopeless[other] else totals[bisect_left(totals, True, key=lambda total: bool(shown(total)[other]))] - n_groups
        for other in others
    ]
