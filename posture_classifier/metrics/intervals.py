"""How sure one can be of a figure that was measured on some photos of some groups.

Every interval here holds 95 % and comes from the bootstrap over groups (Efron and Tibshirani 1993, chapter 6): ten photos of a
person are not ten independent witnesses. The bootstrap gives the spread alone: its percentiles are too narrow with few groups,
and miss the skew of shares near 1. ``tests/metrics/test_interval_coverage.py`` holds how often each interval covers the truth.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtrit

from posture_classifier.utils.types import Floats

RESAMPLES = 2000
MOST_SKEW = 1.2
"""Of draws that a correction is made for: what few groups say of more is noise."""
Z = 1.959964
"""The normal distribution's 97.5 percentile."""


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % interval; without one where a single group was measured, which tells nothing of others."""

    value: float | None
    low: float | None = None
    high: float | None = None


@lru_cache(maxsize=2)  # comparing runs asks for the same ones many times
def resample_weights(n_groups: int, seed: int) -> Floats:
    """(1 + RESAMPLES, G) multiplicity of each group; the first row is the sample itself, every group once."""
    multiplicity = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=RESAMPLES)
    return np.vstack([np.ones(n_groups), multiplicity])  # floating, since matrix products of integers are slow


def wilson_interval(share: float, trials: float, quantile: float = Z) -> Estimate:
    """A share of independent trials with its 95 % score interval (Wilson 1927), good for few trials and near 0 and 1 too.

    Args:
        share: Of successes, 0 to 1.
        trials: More than 0.
        quantile: Of the normal distribution, or of Student's where the number of trials is itself estimated.
    """
    centre = share + quantile**2 / (2 * trials)
    spread = quantile * sqrt(share * (1 - share) / trials + quantile**2 / (4 * trials**2))
    low, high = ((centre + side * spread) / (1 + quantile**2 / trials) for side in (-1, 1))
    # Where no trial, or every one, succeeded, that end is the share itself, but for rounding.
    return Estimate(share, low if share > 0 else 0.0, high if share < 1 else 1.0)


def share_interval(values: Floats, n_groups: int, most_trials: int) -> Estimate:
    """Wilson's interval with as many trials as would have the bootstrap's spread (Korn and Graubard 1998).

    Photos that resemble each other within groups count as fewer trials. A share of 0 or 1 has no spread to draw from: it counts as
    many trials as there are groups.

    Args:
        values: (1 + D,) of the sample and of each draw; NaN where it is not defined.
        n_groups: That were drawn from.
        most_trials: That could be: the photos.
    """
    value = float(values[0])
    if n_groups < 2 or np.isnan(value):
        return Estimate(None if np.isnan(value) else value)
    if value in (0, 1):
        return wilson_interval(value, n_groups)
    variance = standard_error(values, n_groups) ** 2
    trials = value * (1 - value) / max(variance, value * (1 - value) / most_trials)
    return wilson_interval(value, trials, student_quantile(n_groups))


def estimate_share(hits: npt.NDArray[np.bool_] | Floats, groups: npt.NDArray[np.str_], seed: int = 0) -> Estimate:
    """A share of photos with its 95 % interval: over groups, or Wilson's where every photo stands alone.

    Args:
        hits: (N,) whether a photo counts, or which share of several networks says so.
        groups: (N,) names.
        seed: Of the bootstrap.
    """
    if len(hits) == 0:
        return Estimate(None)
    _, codes, photos = np.unique(groups, return_inverse=True, return_counts=True)
    n_groups = len(photos)
    if n_groups == len(hits) > 1:
        return wilson_interval(float(hits.mean()), n_groups)
    weights = resample_weights(n_groups, seed)
    return share_interval((weights @ np.bincount(codes, weights=hits)) / (weights @ photos), n_groups, len(hits))


def area_interval(values: Floats, n_groups: int, n_pairs: int) -> Estimate:
    """Student's interval of the logit of an area under the ROC curve, which keeps it between 0 and 1.

    An area of 0 or 1 has no spread to draw from: it counts as a share of so many trials as there are groups.

    Args:
        values: (1 + D,) of the sample and of each draw; NaN where it is not defined.
        n_groups: That were drawn from.
        n_pairs: Of photos that are compared, the most trials that there could be.
    """
    value = float(values[0])
    if n_groups < 2 or np.isnan(value):
        return Estimate(None if np.isnan(value) else value)
    if value in (0, 1):
        return wilson_interval(value, n_groups)
    variance = value * (1 - value)
    reach = student_quantile(n_groups) * max(standard_error(values, n_groups), sqrt(variance / n_pairs)) / variance
    low, high = (float(expit(logit(value) + side * reach)) for side in (-1, 1))
    return Estimate(value, low, high)


def loss_interval(values: Floats, n_groups: int) -> Estimate:
    """Student's interval after the skewness is removed, since few photos make up most of a loss.

    Source: Hall 1992, "On the removal of skewness by transformation", Journal of the Royal Statistical Society B 54.

    Args:
        values: (1 + D,) of the sample and of each draw.
        n_groups: That were drawn from.
    """
    value, error = float(values[0]), standard_error(values, n_groups) if n_groups > 1 else 0.0
    if error == 0:
        return Estimate(value)
    drawn = values[1:] - values[1:].mean()
    skew = float((drawn**3).mean() / (drawn**2).mean() ** 1.5)
    if n_groups > 2:
        skew *= sqrt(n_groups * (n_groups - 1)) / (n_groups - 2)  # as of the groups that were not seen
    skew = min(max(skew, -MOST_SKEW), MOST_SKEW)

    def symmetric(limit: float) -> float:
        if abs(skew) < 1e-3:
            return limit
        return 3 / skew * (float(np.cbrt(1 + skew * (limit - skew / 6))) - 1)

    low, high = (value - error * symmetric(side * student_quantile(n_groups)) for side in (1, -1))
    return Estimate(value, max(0.0, low), high)


def distance_interval(values: Floats, distances: Floats, n_groups: int) -> Estimate:
    """Interval of a sum of absolute values, which noise alone makes larger than 0, such as a calibration error.

    It begins where noise can explain the rest (two such sums differ at most by the sum of their terms' distances), and ends at
    Student's limit of the value less the bootstrap's estimate of its bias. It holds 95 % or more.

    Args:
        values: (1 + D,) of the sample and of each draw.
        distances: (D,) between the vector of each draw and the sample's.
        n_groups: That were drawn from.
    """
    value = float(values[0])
    if n_groups < 2:
        return Estimate(value)
    noise = float(np.percentile(distances, 97.5)) * sqrt(n_groups / (n_groups - 1))
    unbiased = max(0.0, 2 * value - float(values[1:].mean()))
    high = unbiased + student_quantile(n_groups) * standard_error(values, n_groups)
    return Estimate(value, max(0.0, value - noise), max(value, high))


def estimate_mean(values: Floats, groups: npt.NDArray[np.str_], seed: int = 0) -> Estimate:
    """Mean of a value (N,) of photos, with Student's interval over groups; for differences between two models."""
    _, codes = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    weights = resample_weights(len(counts), seed)
    drawn = (weights @ sums) / (weights @ counts)
    value = float(drawn[0])
    if len(counts) < 2:
        return Estimate(value)
    reach = student_quantile(len(counts)) * standard_error(drawn, len(counts))
    return Estimate(value, value - reach, value + reach)


def standard_error(values: Floats, n_groups: int) -> float:
    """Of a metric: the spread of its draws, which is too small by the share that the mean takes of the groups' freedom.

    Args:
        values: (1 + D,) of the sample, which is left out, and of each draw; NaN where it is not defined.
        n_groups: At least 2.
    """
    return float(np.nanstd(values[1:])) * sqrt(n_groups / (n_groups - 1))


def student_quantile(n_groups: int) -> float:
    """The 97.5 percentile of Student's distribution: a spread estimated from G groups has G - 1 degrees of freedom."""
    return float(stdtrit(n_groups - 1, 0.975))
