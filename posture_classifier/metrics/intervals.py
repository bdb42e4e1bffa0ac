"""95 % confidence intervals of what was measured on some photos of some groups.

They come from the cluster bootstrap (Efron and Tibshirani 1993, chapter 6): groups are resampled,
not photos, since ten photos of a person are not ten independent witnesses. The bootstrap gives the
variance alone: its percentiles are too narrow with few groups, and miss the skewness of shares near
1. All metrics then have Wilson's interval, each as a share of its range, with the variance that few
groups cannot have shown (``metrics/witnesses.py``): they end within that range, and below a number
of groups they are unknown. ``tests/metrics/test_intervals.py`` holds how often each interval covers
the truth.

Arguments called ``values`` are (1 + R,): a metric in the sample, then in each of R resamples; NaN
where it is not defined.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.witnesses import Witnesses, unseen_variance
from posture_classifier.utils.types import Floats

RESAMPLES = 2000
NORMAL_QUANTILE = 1.959964
"""The 97.5 percentile of the normal distribution."""


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % confidence interval.

    Attributes:
        value: The value in the sample; None where it is not defined.
        low: Lower end of the interval; None where it is unknown.
        high: Upper end of the interval; None like the lower one.
        too_few: What there is too little of for an interval, such as ``2 groups``; None where there
            is one, or no value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    too_few: str | None = None

    @property
    def ends(self) -> tuple[float, float] | None:
        """Both ends of the interval; None where there is none."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@lru_cache(maxsize=2)  # comparing runs asks for the same ones many times
def resample_weights(n_groups: int, seed: int) -> Floats:
    """(1 + RESAMPLES, G) multiplicity of each group; the first row, all ones, is the sample."""
    multiplicity = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=RESAMPLES)
    return np.vstack([np.ones(n_groups), multiplicity])  # floating, since matrix products of integers are slow


def bootstrap_variance(values: Floats, witnesses: Witnesses) -> float:
    """Variance over the resamples, corrected for the degrees of freedom that resampling costs.

    ``values`` (1 + R,) has the metric in the sample, which is left out, and in each resample.
    """
    return float(np.nanvar(values[1:])) * witnesses.inflation


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


def bounded_interval(values: Floats, witnesses: Witnesses, largest: float = 1.0, most_trials: float | None = None) -> Estimate:
    """Wilson's interval at the effective sample size of grouped photos (Korn and Graubard 1998).

    A metric between 0 and a largest value is taken for a share of that. The effective sample size
    is the one that would have the variance of the bootstrap and that which the groups cannot have
    shown: photos that resemble each other within groups count as fewer trials.

    Args:
        values: (1 + R,) metric in the sample and in each resample.
        witnesses: The groups that were resampled.
        largest: What a photo can add to the metric at most; ends of intervals stay below.
        most_trials: The largest sample size possible; the number of photos unless told.
    """
    value = float(values[0])
    if np.isnan(value):
        return Estimate(None)
    if witnesses.too_few:
        return Estimate(value, too_few=witnesses.too_few)
    share = round(value / largest, 12)  # the mean of the areas of perfect classes is 1, but for rounding
    if share in (0, 1):
        # It varies in no resample, and counts as a share of as many trials as there are groups.
        ends = wilson_interval(share, witnesses.n_groups).ends
    else:
        seen = bootstrap_variance(values, witnesses) / (largest**2 * share * (1 - share))
        per_trial = max(seen + unseen_variance(witnesses.effective_groups), 1 / (most_trials or witnesses.n_photos))
        ends = wilson_interval(share, 1 / per_trial, witnesses.quantile).ends
    assert ends
    return Estimate(value, ends[0] * largest, ends[1] * largest)


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
    if len(photos) == len(hits) > 1:
        return wilson_interval(float(hits.mean()), len(hits))
    weights = resample_weights(len(photos), seed)
    shares = (weights @ np.bincount(codes, weights=hits)) / (weights @ photos)
    return bounded_interval(shares, Witnesses.of_groups(codes))


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
    weights, witnesses = resample_weights(len(counts), seed), Witnesses.of_groups(codes)
    means = (weights @ sums) / (weights @ counts)
    value = float(means[0])
    if witnesses.too_few:
        return Estimate(value, too_few=witnesses.too_few)
    variance = bootstrap_variance(means, witnesses) + unseen_variance(witnesses.effective_groups) * float(values.var())
    reach = witnesses.quantile * sqrt(variance)
    if not values.any():
        # The models differ on no photo: so may they on a group of which as many show nothing.
        reach = wilson_interval(0.0, len(counts)).high or 0.0
    return Estimate(value, value - reach, value + reach)


def calibration_error_interval(values: Floats, distances: Floats, witnesses: Witnesses) -> Estimate:
    """Interval of a sum of absolute values from 0 to 1, such as a calibration error.

    Noise alone makes such a sum larger than 0. The interval begins where noise can explain the rest
    (two such sums differ at most by the sum of their terms' distances), and ends where that of a
    share would. It covers the truth in 95 % of cases or more. ``values`` (1 + R,) has the sum in
    the sample and in each resample, ``distances`` (R,) how far each resample's terms are from the
    sample's.
    """
    estimate = bounded_interval(values, witnesses)
    if estimate.value is None or estimate.ends is None:
        return estimate
    noise = float(np.percentile(distances, 97.5)) * sqrt(witnesses.inflation)
    return Estimate(estimate.value, max(0.0, min(estimate.ends[0], estimate.value - noise)), estimate.ends[1])
