"""How good a classifier is, and how sure one can be of that."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DRAWS = 2000
Z = 1.959964
"""The normal distribution's 97.5 percentile."""
AUROC_WORK = 200_000_000
"""Draws x photos x classes that the AUROC's bootstrap may cost; some seconds. At least 200 draws are made."""
METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")


@dataclass(frozen=True)
class Predictions:
    """What a model said about the photos of a split, each once, in order of index.

    Attributes:
        indices: (N,) positions in the split.
        labels: (N,) true classes.
        probabilities: (N, C), rows sum to 1.
    """

    indices: Ints
    labels: Ints
    probabilities: Floats

    @classmethod
    def unique(cls, indices: Ints, labels: Ints, probabilities: npt.NDArray[np.float32]) -> "Predictions":
        """Sort by index and keep each photo once."""
        indices, first = np.unique(indices, return_index=True)
        return cls(indices, labels[first], probabilities[first].astype(np.float64))

    @property
    def predicted(self) -> Ints:
        """(N,) the most probable class."""
        result: Ints = self.probabilities.argmax(1)
        return result

    @property
    def confusion(self) -> Ints:
        """(C, C) counts; rows are true classes, columns predicted ones."""
        result = np.zeros((self.probabilities.shape[1],) * 2, dtype=np.int64)
        np.add.at(result, (self.labels, self.predicted), 1)
        return result

    @property
    def accuracy(self) -> float:
        """Share of photos whose most probable class is the true one."""
        return float((self.predicted == self.labels).mean())

    @property
    def macro_f1(self) -> float:
        """Mean over classes of the harmonic mean of precision and recall."""
        table = self.confusion.astype(np.float64)
        return float(_mean_over_classes(2 * table.diagonal()[None], (table.sum(0) + table.sum(1))[None])[0])

    @property
    def log_loss(self) -> float:
        """Mean negative log-probability of the true class, in nats."""
        chosen = self.probabilities[np.arange(len(self.labels)), self.labels]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean())


@dataclass(frozen=True)
class Figure:
    """A measured value with its 95 % interval; without one where a single group was measured, which tells nothing of others."""

    value: float | None
    low: float | None
    high: float | None


def figures(predictions: Predictions, groups: npt.NDArray[np.str_], seed: int = 0) -> dict[str, Figure]:
    """Accuracy, balanced accuracy, macro-F1 and macro AUROC (one class against the rest), each with a 95 % interval.

    The interval is the percentile bootstrap over groups (Efron and Tibshirani 1993, chapter 13): ten photos of a person are
    not ten independent witnesses. Where every photo is its own group, accuracy is a share of independent trials and has Wilson's
    interval; the other metrics have no such form, and the ordinary bootstrap. A score of 0 or 1 has no spread to draw from: its
    interval is Wilson's, with as many trials as there are groups. A metric that is not defined (AUROC where only one class was
    seen) is None.

    Args:
        predictions: N photos of C classes.
        groups: (N,) group of each photo.
        seed: Of the bootstrap.
    """
    _, codes = np.unique(groups, return_inverse=True)
    n_groups = int(codes.max()) + 1
    weights = _draws(n_groups, seed)
    values = _scores(predictions, codes, weights)
    result = {name: _interval(column, n_groups) for name, column in values.items()}
    if len(codes) == n_groups > 1:
        result["accuracy"] = wilson(predictions.accuracy, n_groups)
    return result


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
    weights = _draws(len(counts), seed)
    drawn = (weights @ sums) / (weights @ counts)
    if len(counts) < 2:
        return Figure(float(drawn[0]), None, None)
    low, high = np.percentile(drawn[1:], [2.5, 97.5])
    return Figure(float(drawn[0]), float(low), float(high))


def _draws(n_groups: int, seed: int) -> Ints:
    """(1 + DRAWS, G) multiplicity of each group; the first row is the sample itself, every group once."""
    multiplicity = np.random.default_rng(seed).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=DRAWS)
    return np.vstack([np.ones(n_groups, dtype=np.int64), multiplicity])


def _scores(predictions: Predictions, codes: Ints, weights: Ints) -> dict[str, Floats]:
    """Every metric for every row of ``weights`` (D, G), the multiplicity of each group."""
    n_classes = predictions.probabilities.shape[1]
    labels, said = predictions.labels, predictions.predicted
    shape = (weights.shape[1], n_classes)
    # Counts per group and class rather than confusion matrices: with a thousand classes those would not fit into memory.
    per_group = [np.zeros(shape, dtype=np.int64) for _ in range(3)]
    for counts, classes, chosen in zip(per_group, (labels, labels, said), (labels == said, slice(None), slice(None)), strict=True):
        np.add.at(counts, (codes[chosen], classes[chosen]), 1)
    right, true, predicted = ((weights @ counts).astype(np.float64) for counts in per_group)  # (D, C) each
    return {
        "accuracy": right.sum(1) / true.sum(1),
        "balanced_accuracy": _mean_over_classes(right, true),
        "macro_f1": _mean_over_classes(2 * right, true + predicted),
        "auroc": _macro_auroc(predictions, codes, weights),
    }


def _mean_over_classes(numerator: Floats, denominator: Floats) -> Floats:
    """Mean of the ratios (D, C) over the classes that occur; (D,)."""
    with np.errstate(invalid="ignore"):
        result: Floats = np.nanmean(np.where(denominator > 0, numerator / denominator, np.nan), axis=1)
    return result


def _macro_auroc(predictions: Predictions, codes: Ints, weights: Ints) -> Floats:
    """Mean over classes of the area under the ROC curve; NaN where a draw lacks positives or negatives of all classes."""
    affordable = max(200, AUROC_WORK // predictions.probabilities.size)
    weights = weights[: 1 + affordable]
    per_class = [
        weighted_auroc(predictions.probabilities[:, label], predictions.labels == label, codes, weights)
        for label in range(predictions.probabilities.shape[1])
    ]
    stacked = np.stack(per_class, axis=1)
    known = ~np.isnan(stacked)
    with np.errstate(invalid="ignore"):
        result: Floats = np.where(known, stacked, 0).sum(1) / known.sum(1)
    return result


def weighted_auroc(scores: Floats, positive: npt.NDArray[np.bool_], codes: Ints, weights: Ints) -> Floats:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney), for many weightings at once.

    Args:
        scores: (N,).
        positive: (N,) which class each belongs to.
        codes: (N,) index of each one's group.
        weights: (D, G) weight of every group in every draw.

    Returns:
        (D,) areas; NaN where a draw has no positive or no negative.
    """
    order = np.argsort(scores, kind="stable")
    starts = np.flatnonzero(np.diff(scores[order], prepend=-np.inf))  # of each run of equal scores
    result = np.empty(len(weights))
    # In blocks, so that memory stays flat however many photos there are.
    block = max(1, 4_000_000 // len(scores))
    for start in range(0, len(weights), block):
        drawn = weights[start : start + block][:, codes[order]].astype(np.float64)
        above = np.add.reduceat(drawn * positive[order], starts, axis=1)
        below = np.add.reduceat(drawn * ~positive[order], starts, axis=1)
        wins = (above * (below.cumsum(1) - below / 2)).sum(1)
        with np.errstate(invalid="ignore"):
            result[start : start + block] = wins / (above.sum(1) * below.sum(1))
    return result


def _interval(values: Floats, n_groups: int) -> Figure:
    """The first value, with the 2.5 and 97.5 percentiles of the others."""
    value = float(values[0])
    drawn = values[1:][~np.isnan(values[1:])]
    if n_groups < 2 or np.isnan(value):
        return Figure(None if np.isnan(value) else value, None, None)
    if value in (0, 1) and (drawn == value).all():
        return wilson(value, n_groups)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Figure(value, float(low), float(high))
