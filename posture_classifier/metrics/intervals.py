"""95 % confidence intervals of what was measured on some photos of some groups.

They come from the cluster bootstrap (Efron and Tibshirani 1993, chapter 6): groups are resampled,
not photos, since ten photos of a person are not ten independent witnesses. The bootstrap gives the
standard error alone: its percentiles are too narrow with few groups, and miss the skewness of
shares near 1. ``tests/metrics/test_intervals.py`` holds how often each interval covers the truth.

Arguments called ``values`` are (1 + R,): a metric in the sample, then in each of R resamples; NaN
where it is not defined.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit, stdtrit

from posture_classifier.utils.types import Floats

RESAMPLES = 2000
MAX_SKEWNESS = 1.2
"""Largest skewness that is corrected: what few groups say of more is noise."""
NORMAL_QUANTILE = 1.959964
"""The 97.5 percentile of the normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % confidence interval.

    Attributes:
        value: The value in the sample; None where it is not defined.
        low: Lower end of the interval; None where a single group was measured, which tells nothing
            of others.
        high: Upper end of the interval; None like the lower one.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@lru_cache(maxsize=2)  # comparing runs asks for the same ones many times
def resample_weights(n_groups: int, seed: int) -> Floats:
    """(1 + RESAMPLES, G) multiplicity of each group; the first row, all ones, is the sample."""
    multiplicity = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=RESAMPLES)
    return np.vstack([np.ones(n_groups), multiplicity])  # floating, since matrix products of integers are slow


def bootstrap_standard_error(values: Floats, n_groups: int) -> float:
    """Standard deviation over the resamples, corrected for the degree of freedom of the mean.

    Args:
        values: (1 + R,) metric in the sample, which is left out, and in each resample.
        n_groups: Number of groups, at least 2.
    """
    return float(np.nanstd(values[1:])) * sqrt(n_groups / (n_groups - 1))


def student_quantile(n_groups: int) -> float:
    """The 97.5 percentile of Student's distribution with G - 1 degrees of freedom.

    Example:
        >>> round(student_quantile(15), 3)
        2.145
    """
    return float(stdtrit(n_groups - 1, 0.975))


def wilson_interval(share: float, trials: float, quantile: float = NORMAL_QUANTILE) -> Estimate:
    """A share of independent trials with its 95 % score interval (Wilson 1927).

    It holds for few trials and near 0 and 1, too.

    Args:
        share: Share of successes, 0 to 1.
        trials: Number of trials, or an effective sample size; more than 0.
        quantile: The 97.5 percentile of the normal distribution, or of Student's where the number
            of trials is itself estimated.

    Example:
        >>> wilson_interval(0.7, trials=10)
        Estimate(value=0.7, low=0.396..., high=0.892...)
    """
    centre = share + quantile**2 / (2 * trials)
    spread = quantile * sqrt(share * (1 - share) / trials + quantile**2 / (4 * trials**2))
    low, high = ((centre + side * spread) / (1 + quantile**2 / trials) for side in (-1, 1))
    # Where no trial, or every one, succeeded, that end is the share itself, but for rounding.
    return Estimate(share, low if share > 0 else 0.0, high if share < 1 else 1.0)


def share_interval(values: Floats, n_groups: int, n_photos: int) -> Estimate:
    """Wilson's interval at the effective sample size of grouped photos (Korn and Graubard 1998).

    The effective sample size is the one that would have the bootstrap's variance: photos that
    resemble each other within groups count as fewer trials.

    Args:
        values: (1 + R,) share in the sample and in each resample.
        n_groups: Number of groups that were resampled.
        n_photos: Number of photos, the largest sample size possible.
    """
    value = float(values[0])
    if estimate := _without_variance(value, n_groups):
        return estimate
    variance = bootstrap_standard_error(values, n_groups) ** 2
    trials = value * (1 - value) / max(variance, value * (1 - value) / n_photos)
    return wilson_interval(value, trials, student_quantile(n_groups))


def _without_variance(value: float, n_groups: int) -> Estimate | None:
    """The estimate where resamples tell nothing: undefined, of a single group, or 0 or 1."""
    if np.isnan(value):
        return Estimate(None)
    if n_groups < 2:
        return Estimate(value)
    # It varies in no resample, and counts as a share of as many trials as there are groups.
    return wilson_interval(value, n_groups) if value in (0, 1) else None


def estimate_share(hits: npt.NDArray[np.bool_] | Floats, groups: npt.NDArray[np.str_], seed: int = 0) -> Estimate:
    """A share of photos with its 95 % interval over groups; Wilson's where every photo is its own.

    Args:
        hits: (N,) whether a photo counts, or the share of several networks for which it does.
        groups: (N,) group of each photo.
        seed: Seed of the bootstrap.

    Example:
        Two photos of one person agree more than photos of two people, so they tell less:

        >>> hits = np.array([True, True, True, True, False, False])
        >>> estimate_share(hits, np.array(["a", "b", "c", "d", "e", "f"]))
        Estimate(value=0.66..., low=0.29..., high=0.90...)
        >>> estimate_share(hits, np.array(["a", "a", "b", "b", "c", "c"]))
        Estimate(value=0.66..., low=0.04..., high=0.98...)
    """
    if len(hits) == 0:
        return Estimate(None)
    _, codes, photos = np.unique(groups, return_inverse=True, return_counts=True)
    n_groups = len(photos)
    if n_groups == len(hits) > 1:
        return wilson_interval(float(hits.mean()), n_groups)
    weights = resample_weights(n_groups, seed)
    return share_interval((weights @ np.bincount(codes, weights=hits)) / (weights @ photos), n_groups, len(hits))


def estimate_mean(values: Floats, groups: npt.NDArray[np.str_], seed: int = 0) -> Estimate:
    """The mean of a value over photos with Student's 95 % interval over groups.

    For differences between two models on the same photos.

    Args:
        values: (N,) value of each photo.
        groups: (N,) group of each photo.
        seed: Seed of the bootstrap.

    Example:
        >>> mean = estimate_mean(np.array([0.0, 1.0, 1.0, 0.0]), np.array(["a", "a", "b", "b"]))
        >>> mean.value
        0.5
    """
    _, codes = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    weights = resample_weights(len(counts), seed)
    means = (weights @ sums) / (weights @ counts)
    value = float(means[0])
    if len(counts) < 2:
        return Estimate(value)
    reach = student_quantile(len(counts)) * bootstrap_standard_error(means, len(counts))
    return Estimate(value, value - reach, value + reach)


def auroc_interval(values: Floats, n_groups: int, n_pairs: int) -> Estimate:
    """Student's interval of an area under the ROC curve, on the logit scale.

    The logit keeps it between 0 and 1.

    Args:
        values: (1 + R,) area in the sample and in each resample.
        n_groups: Number of groups that were resampled.
        n_pairs: Number of pairs of photos that the area compares, the largest sample size possible.
    """
    value = float(values[0])
    if estimate := _without_variance(value, n_groups):
        return estimate
    variance = value * (1 - value)
    error = max(bootstrap_standard_error(values, n_groups), sqrt(variance / n_pairs))
    reach = student_quantile(n_groups) * error / variance  # the logit's slope is 1 / variance
    low, high = (float(expit(logit(value) + side * reach)) for side in (-1, 1))
    return Estimate(value, low, high)


def loss_interval(values: Floats, n_groups: int) -> Estimate:
    """Student's interval after the skewness is removed, since few photos make up most of a loss.

    Source: Hall 1992, "On the removal of skewness by transformation", Journal of the Royal
    Statistical Society B 54.

    Args:
        values: (1 + R,) loss in the sample and in each resample.
        n_groups: Number of groups that were resampled.
    """
    value, error = float(values[0]), bootstrap_standard_error(values, n_groups) if n_groups > 1 else 0.0
    if error == 0:
        return Estimate(value)
    deviations = values[1:] - values[1:].mean()
    skewness = float((deviations**3).mean() / (deviations**2).mean() ** 1.5)
    if n_groups > 2:
        skewness *= sqrt(n_groups * (n_groups - 1)) / (n_groups - 2)  # of all groups, from a sample of them
    skewness = min(max(skewness, -MAX_SKEWNESS), MAX_SKEWNESS)

    def symmetric(limit: float) -> float:
        if abs(skewness) < 1e-3:
            return limit
        return 3 / skewness * (float(np.cbrt(1 + skewness * (limit - skewness / 6))) - 1)

    low, high = (value - error * symmetric(side * student_quantile(n_groups)) for side in (1, -1))
    return Estimate(value, max(0.0, low), high)


def calibration_error_interval(values: Floats, distances: Floats, n_groups: int) -> Estimate:
    """Interval of a sum of absolute values, such as a calibration error.

    Noise alone makes such a sum larger than 0. The interval begins where noise can explain the rest
    (two such sums differ at most by the sum of their terms' distances), and ends at Student's limit
    of the value less the bootstrap's estimate of its bias. It covers the truth in 95 % of cases or
    more.

    Args:
        values: (1 + R,) sum in the sample and in each resample.
        distances: (R,) distance of each resample's terms from the sample's.
        n_groups: Number of groups that were resampled.
    """
    value = float(values[0])
    if n_groups < 2:
        return Estimate(value)
    noise = float(np.percentile(distances, 97.5)) * sqrt(n_groups / (n_groups - 1))
    unbiased = max(0.0, 2 * value - float(values[1:].mean()))
    high = unbiased + student_quantile(n_groups) * bootstrap_standard_error(values, n_groups)
    return Estimate(value, max(0.0, value - noise), max(value, high))
