"""How sure one can be of a figure that was measured on some photos of some groups."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 2000
Z = 1.959964
"""The normal distribution's 97.5 percentile."""


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % interval; without one where a single group was measured, which tells nothing of others."""

    value: float | None
    low: float | None
    high: float | None


def wilson(share: float, trials: int) -> Figure:
    """A share of independent trials with its 95 % score interval (Wilson 1927), good for few trials and near 0 and 1 too.

    Args:
        share: Of successes, 0 to 1.
        trials: At least 1.
    """
    centre = share + Z**2 / (2 * trials)
    spread = Z * sqrt(share * (1 - share) / trials + Z**2 / (4 * trials**2))
    low, high = ((centre + side * spread) / (1 + Z**2 / trials) for side in (-1, 1))
    # Where no trial, or every one, succeeded, that end is the share itself, but for rounding.
    return Figure(share, low if share > 0 else 0.0, high if share < 1 else 1.0)


def mean_over_groups(values: Floats, groups: npt.NDArray[np.str_], seed: int = 0) -> Figure:
    """Mean of a value (N,) of photos, with its 95 % interval by the bootstrap over groups; for differences between two models."""
    _, codes = np.unique(groups, return_inverse=True)
    sums, counts = np.bincount(codes, weights=values), np.bincount(codes)
    weights = draws(len(counts), seed)
    drawn = (weights @ sums) / (weights @ counts)
    if len(counts) < 2:
        return Figure(float(drawn[0]), None, None)
    low, high = np.percentile(drawn[1:], [2.5, 97.5])
    return Figure(float(drawn[0]), float(low), float(high))


def draws(n_groups: int, seed: int) -> Ints:
    """(1 + DRAWS, G) multiplicity of each group; the first row is the sample itself, every group once."""
    multiplicity = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=DRAWS)
    return np.vstack([np.ones(n_groups, dtype=np.int64), multiplicity])


def bootstrap_interval(values: Floats, n_groups: int, share: bool) -> Figure:
    """A metric's value, with the 2.5 and 97.5 percentiles of its values in the draws.

    Args:
        values: (1 + D,) of the sample and of each draw; NaN where it is not defined.
        n_groups: That were drawn from.
        share: Whether it is one, from 0 to 1.
    """
    value = float(values[0])
    drawn = values[1:][~np.isnan(values[1:])]
    if n_groups < 2 or np.isnan(value):
        return Figure(None if np.isnan(value) else value, None, None)
    if share and value in (0, 1) and (drawn == value).all():
        return wilson(value, n_groups)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, float(low), float(high))
