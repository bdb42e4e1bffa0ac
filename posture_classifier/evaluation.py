"""How good a classifier is, and how sure one can be of that."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.intervals import Figure, Floats, Ints, bootstrap_interval, draws, wilson

AUROC_WORK = 200_000_000
"""Draws x photos x classes that the AUROC's bootstrap may cost; some seconds. At least 200 draws are made."""
SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
"""From 0 to 1, and the more the better."""
LOSSES = ("log_loss", "ece")
"""At least 0, and the less the better."""
METRICS = SHARES + LOSSES
BINS = 15
"""Of equal width in confidence, for calibration; as many as Guo et al. 2017 take."""


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
    def confidence(self) -> Floats:
        """(N,) probability of the most probable class."""
        result: Floats = self.probabilities.max(1)
        return result

    @property
    def losses(self) -> Floats:
        """(N,) negative log-probability of the true class, in nats, 27.6 at most."""
        chosen = self.probabilities[np.arange(len(self.labels)), self.labels]
        result: Floats = -np.log(np.maximum(chosen, 1e-12))
        return result

    @property
    def log_loss(self) -> float:
        """Mean negative log-probability of the true class, in nats."""
        return float(self.losses.mean())


@dataclass(frozen=True)
class Reliability:
    """How often a classifier is right when it is so sure (Guo et al. 2017, section 2): bin ``b`` of B holds ``b/B < p <= (b+1)/B``.

    Attributes:
        counts: (B,) photos whose most probable class has such a probability.
        confidence: (B,) mean of those probabilities; NaN in an empty bin.
        accuracy: (B,) share of these photos that are right; NaN in an empty bin.
    """

    counts: Ints
    confidence: Floats
    accuracy: Floats

    @property
    def ece(self) -> float:
        """Expected calibration error: the mean over photos of the distance between confidence and accuracy of their bin."""
        return float(np.nansum(self.counts * np.abs(self.accuracy - self.confidence)) / self.counts.sum())


def reliability(predictions: Predictions, bins: int = BINS) -> Reliability:
    """Group the photos by confidence, in bins of equal width; for reliability diagrams and the expected calibration error."""
    codes = confidence_bins(predictions, bins)
    right = predictions.predicted == predictions.labels
    counts, confident, accurate = (
        np.bincount(codes, weights=weights, minlength=bins) for weights in (None, predictions.confidence, right)
    )
    with np.errstate(invalid="ignore"):
        return Reliability(counts.astype(np.int64), confident / counts, accurate / counts)


def confidence_bins(predictions: Predictions, bins: int = BINS) -> Ints:
    """(N,) the bin of each photo's confidence."""
    # Probabilities that were rounded to float32 may exceed 1 in the last digit.
    return np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], predictions.confidence).astype(np.int64)


def figures(predictions: Predictions, groups: npt.NDArray[np.str_], seed: int = 0) -> dict[str, Figure]:
    """All of ``METRICS``, each with a 95 % interval.

    The AUROC is the mean over classes of one class against the rest, the log loss is in nats, and the expected calibration error
    (ECE) takes ``BINS`` bins of equal width.

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
    values = _scores(predictions, codes, draws(n_groups, seed))
    result = {name: bootstrap_interval(column, n_groups, name in SHARES) for name, column in values.items()}
    if len(codes) == n_groups > 1:
        result["accuracy"] = wilson(predictions.accuracy, n_groups)
    return result


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
        "log_loss": (weights @ np.bincount(codes, weights=predictions.losses)) / true.sum(1),
        "ece": np.abs(weights @ _calibration_gaps(predictions, codes)).sum(1) / true.sum(1),
    }


def _calibration_gaps(predictions: Predictions, codes: Ints) -> Floats:
    """(G, BINS) right photos less those that the confidence promised, per group and bin."""
    result = np.zeros((int(codes.max()) + 1, BINS))
    np.add.at(result, (codes, confidence_bins(predictions)), (predictions.predicted == predictions.labels) - predictions.confidence)
    return result


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
