"""Paired tests: whether networks differ on the same photos, or one is at most a margin worse."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy.special import bdtr, ndtri, stdtr, stdtrit

from posture_classifier.metrics.witnesses import unseen_variance
from posture_classifier.utils.types import Floats

POWER = 0.8
"""Chance that a further test finds a difference, where the number of photos for it is told."""
ROUNDING_ERROR = 1e-12
"""Values that are closer than this differ by rounding."""


@dataclass(frozen=True)
class Differences:
    """Differences between all pairs of K models: row less column, in the metric's own unit.

    Attributes:
        values: (K, K) differences in the sample.
        group_errors: (K, K) standard errors from the choice of groups, by the bootstrap.
        seed_errors: (K, K) standard errors from the choice of seeds; 0 where no model has several.
        degrees: (K, K) degrees of freedom of Student's distribution.
        p: (K, K) two-sided p-values of the hypothesis that there is no difference.
    """

    values: Floats
    group_errors: Floats
    seed_errors: Floats
    degrees: Floats
    p: Floats


def mcnemar(correct: npt.NDArray[np.bool_]) -> Floats:
    """McNemar's exact test of all pairs.

    It tests whether, of the photos that only one of two models got right, each has half. Photos
    must be independent of each other.

    Args:
        correct: (K, N) whether each model got each photo right.

    Returns:
        (K, K) two-sided p-values.

    Example:
        Six photos that the first alone got right, and none that the second alone did:

        >>> correct = np.array([[True] * 10, [True] * 4 + [False] * 6])
        >>> mcnemar(correct)
        array([[1.     , 0.03125],
               [0.03125, 1.     ]])
    """
    only_row = correct.astype(np.float64) @ ~correct.T
    discordant = only_row + only_row.T
    p: Floats = np.minimum(1, 2 * bdtr(np.minimum(only_row, only_row.T), discordant.astype(np.int64), 0.5))
    return p


def paired_bootstrap(values: Floats, n_groups: int, values_of_seeds: list[Floats]) -> Differences:
    """Test all pairs by a paired bootstrap over groups.

    All models see the same resamples, so what makes a group hard for both of a pair cancels. As in
    the intervals, the bootstrap gives the standard error and Student's distribution the rest, with
    G - 1 degrees of freedom or, where seeds add to the error, those of Satterthwaite (1946). A tie
    stays one if two models swap their predictions in some groups, which G groups can do in 2 to the
    power of G ways: no p-value is below ``smallest_p``.

    Args:
        values: (K, 1 + R) metric of each model, in the sample and in each resample.
        n_groups: Number of groups that were resampled, at least 2.
        values_of_seeds: K arrays, the metric of each seed's network in the sample. The variance is
            pooled over all models.

    Example:
        >>> from posture_classifier.metrics.intervals import resample_weights
        >>> by_group = np.array([[0.9, 0.8, 0.7, 0.9, 0.8, 0.9], [0.6, 0.6, 0.5, 0.6, 0.5, 0.7]])
        >>> values = by_group @ resample_weights(6, seed=0).T / 6
        >>> found = paired_bootstrap(values, 6, [values[0, :1], values[1, :1]])
        >>> float(found.values[0, 1].round(2)), float(found.p[0, 1].round(2))
        (0.25, 0.03)
    """
    value = values[:, 0]
    difference = value[:, None] - value[None]
    covariance = np.cov(values[:, 1:], ddof=0).reshape(len(values), len(values)) * n_groups / (n_groups - 1)
    variance = covariance.diagonal()
    group_variance = np.maximum(0, variance[:, None] + variance[None] - 2 * covariance)
    pooled, freedom = _pooled_variance(values_of_seeds)
    share = np.array([1 / len(seeds) for seeds in values_of_seeds])
    seed_variance = pooled * (share[:, None] + share[None])
    total = group_variance + seed_variance
    with np.errstate(divide="ignore", invalid="ignore"):
        degrees = total**2 / (group_variance**2 / (n_groups - 1) + seed_variance**2 / max(1, freedom))
        t = np.abs(difference) / np.sqrt(total)
        p = np.where(np.isinf(t), 0, 2 * stdtr(degrees, -t)).clip(smallest_p(n_groups), 1)
    p = np.where((np.abs(difference) < ROUNDING_ERROR) | np.isnan(p), 1.0, p)
    degrees = np.where(np.isnan(degrees), n_groups - 1, degrees)  # where nothing varies
    return Differences(difference, np.sqrt(group_variance), np.sqrt(seed_variance), degrees, p)


def smallest_p(n_groups: int) -> float:
    """The smallest two-sided p-value that so many groups can give: all favour the same model.

    Example:
        >>> smallest_p(5), smallest_p(6)
        (0.0625, 0.03125)
    """
    return 2.0 ** (1 - n_groups)


def _pooled_variance(values_of_seeds: list[Floats]) -> tuple[float, int]:
    """Variance within models and its degrees of freedom; both 0 if no model has several seeds."""
    freedom = sum(len(seeds) - 1 for seeds in values_of_seeds)
    squares = sum(float(((seeds - seeds.mean()) ** 2).sum()) for seeds in values_of_seeds)
    return (squares / freedom if freedom else 0.0), freedom


def holm(p: Floats) -> Floats:
    """Adjust p-values (M,) for multiple tests (Holm 1979).

    The chance that any false one is below 0.05 is then at most 5 %.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03]))
        array([0.03, 0.06, 0.06])
    """
    order = np.argsort(p)
    adjusted = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return adjusted[np.argsort(order)]


def holm_against_best(p: Floats, best: int) -> Floats:
    """Holm's p-values of each model against the best, corrected for *all* pairs.

    The best is found with the same photos that it is tested on: any pair might have become that of
    best and other. Correcting for the K - 1 tests against it alone found a difference among ten
    equal models in 10 to 15 of 100 simulations.

    Args:
        p: (K, K) p-values of all pairs.
        best: Index of the best model.

    Returns:
        (K,) adjusted p-values; 1 for the best itself.

    Example:
        >>> p = np.array([[1.0, 0.01, 0.04], [0.01, 1.0, 0.5], [0.04, 0.5, 1.0]])
        >>> holm_against_best(p, best=0).round(2).tolist()
        [1.0, 0.03, 0.08]
    """
    rows, columns = np.triu_indices(len(p), 1)
    adjusted = np.ones_like(p)
    adjusted[rows, columns] = adjusted[columns, rows] = holm(p[rows, columns])
    result: Floats = adjusted[best]
    return result


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


def additional_groups(difference: float, group_error: float, seed_error: float, n_groups: int, level: float) -> int | None:
    """How many further groups (or single photos) would make a difference of this size significant.

    By the normal distribution, with a chance of ``POWER``.

    Args:
        difference: Measured difference, taken for the true one.
        group_error: Its standard error from the choice of groups.
        seed_error: Its standard error from the choice of seeds.
        n_groups: Number of groups that were measured.
        level: Significance level of one side of the test.

    Returns:
        The number, or None where the difference is 0, or where the spread of the seeds makes up
        most of the error that is allowed, so that more seeds are needed first.

    Example:
        >>> additional_groups(0.05, group_error=0.03, seed_error=0.0, n_groups=20, level=0.025)
        37
    """
    reach = float(ndtri(1 - level) + ndtri(POWER))
    allowed = (difference / reach) ** 2
    if seed_error**2 > allowed / 2 or abs(difference) < ROUNDING_ERROR:
        return None
    return max(1, ceil(n_groups * group_error**2 / (allowed - seed_error**2)) - n_groups)
