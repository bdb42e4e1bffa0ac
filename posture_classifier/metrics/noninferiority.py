"""Whether a model is shown to be at most a margin worse than others, on the same photos."""

import numpy as np
from scipy.special import stdtrit

from posture_classifier.metrics.paired_tests import Differences, smallest_p
from posture_classifier.metrics.witnesses import unseen_variance
from posture_classifier.utils.types import Floats


def upper_limits(differences: Differences, n_groups: int, level: float) -> Floats:
    """Upper confidence limits of all differences: how much better a row may be than a column.

    Args:
        differences: Differences of K models in a unit in which more is better.
        n_groups: Number of groups that were measured.
        level: Chance that a true difference is above its limit.

    Returns:
        (K, K) limits; infinite where so few groups cannot show anything at this level.

    Example:
        >>> from posture_classifier.metrics.intervals import resample_weights
        >>> from posture_classifier.metrics.paired_tests import paired_bootstrap
        >>> by_group = np.tile([[0.9, 0.8], [0.7, 0.8]], 10)
        >>> values = by_group @ resample_weights(20, seed=0).T / 20
        >>> found = paired_bootstrap(values, 20, [values[0, :1], values[1, :1]])
        >>> upper_limits(found, 20, level=0.05).round(2)
        array([[ 0.06,  0.17],
               [-0.03,  0.06]])
    """
    if smallest_p(n_groups) / 2 >= level:
        return np.full_like(differences.values, np.inf)
    limits: Floats = differences.values + stdtrit(differences.degrees, 1 - level) * limit_errors(differences, n_groups)
    return limits


def limit_errors(differences: Differences, n_groups: int) -> Floats:
    """(K, K) standard errors of the differences, with what few groups cannot have shown."""
    unseen = unseen_variance(n_groups)  # in a group of whom only one of two models is right, it is 1
    result: Floats = np.sqrt(differences.group_errors**2 + differences.seed_errors**2 + unseen)
    return result
