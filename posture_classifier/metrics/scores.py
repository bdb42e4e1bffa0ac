"""How good a classifier is, and how sure one can be of that."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import (
    Estimate,
    area_interval,
    distance_interval,
    loss_interval,
    resample_weights,
    share_interval,
    wilson_interval,
)
from posture_classifier.metrics.predictions import Predictions, mean_over_classes
from posture_classifier.utils.types import Floats, Ints

SHARES = ("accuracy", "balanced_accuracy", "macro_f1", "auroc")
"""From 0 to 1, and the more the better."""
LOSSES = ("log_loss", "ece")
"""At least 0, and the less the better."""
METRICS = SHARES + LOSSES
BINS = 15
"""Of equal width in confidence, for calibration; as many as Guo et al. 2017 take."""


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


def estimates(predictions: Predictions, groups: npt.NDArray[np.str_], seed: int = 0) -> dict[str, Estimate]:
    """All of ``METRICS``, each with a 95 % interval.

    The AUROC is the mean over classes of one class against the rest, the log loss is in nats, and the expected calibration error
    (ECE) takes ``BINS`` bins of equal width. The intervals are those of ``intervals.py``, by the bootstrap over groups; where every
    photo is its own group, accuracy is a share of independent trials and has Wilson's interval. A metric that is not defined (AUROC
    where only one class was seen) is None.

    Args:
        predictions: N photos of C classes.
        groups: (N,) group of each photo.
        seed: Of the bootstrap.
    """
    return Bootstrap.of([predictions], groups, seed).figures()


@dataclass(frozen=True)
class Bootstrap:
    """The metrics of one network, or the mean of several that differ in their seed, in the sample and in every draw of groups.

    Attributes:
        values: (1 + D,) of each metric, the sample's own first.
        of_networks: Each network's own value of each metric, in the sample.
        distances: (D,) sum over the bins of how far a draw's calibration gaps are from the sample's.
        n_groups: That were drawn from.
        n_photos: In the sample.
    """

    values: dict[str, Floats]
    of_networks: dict[str, Floats]
    distances: Floats
    n_groups: int
    n_photos: int

    @classmethod
    def of(cls, several: list[Predictions], groups: npt.NDArray[np.str_], seed: int = 0) -> "Bootstrap":
        """Draw groups; all networks have seen the same photos, and the same seed draws the same groups for each."""
        _, codes = np.unique(groups, return_inverse=True)
        weights = resample_weights(int(codes.max()) + 1, seed)
        scores = [_scores(predictions, codes, weights) for predictions in several]
        gaps = [_gaps_of_draws(predictions, codes, weights) for predictions in several]
        for score, gap in zip(scores, gaps, strict=True):
            score["ece"] = np.abs(gap).sum(1)
        values = {name: np.mean([score[name] for score in scores], axis=0) for name in METRICS}
        of_networks = {name: np.array([score[name][0] for score in scores]) for name in METRICS}
        distances: Floats = np.mean([np.abs(gap[1:] - gap[0]).sum(1) for gap in gaps], axis=0)
        return cls(values, of_networks, distances, weights.shape[1], len(groups))

    def figures(self) -> dict[str, Estimate]:
        """Each metric with its 95 % interval, which is about other photos and groups, not about other seeds."""
        result = {name: share_interval(self.values[name], self.n_groups, self.n_photos) for name in SHARES}
        result["auroc"] = area_interval(self.values["auroc"], self.n_groups, self.n_photos**2)
        result["log_loss"] = loss_interval(self.values["log_loss"], self.n_groups)
        result["ece"] = distance_interval(self.values["ece"], self.distances, self.n_groups)
        if self.n_photos == self.n_groups > 1 == len(self.of_networks["accuracy"]):
            result["accuracy"] = wilson_interval(float(self.values["accuracy"][0]), self.n_groups)
        return result


def _scores(predictions: Predictions, codes: Ints, weights: Floats) -> dict[str, Floats]:
    """The shares and the log loss for every row of ``weights`` (D, G), the multiplicity of each group."""
    n_classes = predictions.probabilities.shape[1]
    labels, said = predictions.labels, predictions.predicted
    shape = (weights.shape[1], n_classes)
    # Counts per group and class rather than confusion matrices: with a thousand classes those would not fit into memory.
    per_group = [np.zeros(shape) for _ in range(3)]
    for counts, classes, chosen in zip(per_group, (labels, labels, said), (labels == said, slice(None), slice(None)), strict=True):
        np.add.at(counts, (codes[chosen], classes[chosen]), 1)
    right, true, predicted = (weights @ counts for counts in per_group)  # (D, C) each
    return {
        "accuracy": right.sum(1) / true.sum(1),
        "balanced_accuracy": mean_over_classes(right, true),
        "macro_f1": mean_over_classes(2 * right, true + predicted),
        "auroc": _macro_auroc(predictions, codes, weights),
        "log_loss": (weights @ np.bincount(codes, weights=predictions.losses)) / true.sum(1),
    }


def _gaps_of_draws(predictions: Predictions, codes: Ints, weights: Floats) -> Floats:
    """(D, BINS) share of right photos less what the confidence promised; absolute values sum to the calibration error."""
    gaps = np.zeros((weights.shape[1], BINS))
    excess = (predictions.predicted == predictions.labels) - predictions.confidence
    np.add.at(gaps, (codes, confidence_bins(predictions)), excess)
    result: Floats = (weights @ gaps) / (weights @ np.bincount(codes))[:, None]
    return result


def _macro_auroc(predictions: Predictions, codes: Ints, weights: Floats) -> Floats:
    """Mean over classes of the area under the ROC curve, linearised in the weights, which gives DeLong's variance (1988).

    Sorting anew in every draw would give the same spread at a hundred times the cost.
    """
    labels = range(predictions.probabilities.shape[1])
    areas = [auroc(predictions.probabilities[:, label], predictions.labels == label) for label in labels]
    known = [(area, influence) for area, influence in areas if area is not None]
    if not known:
        return np.full(len(weights), np.nan)
    influence = np.mean([influence for _, influence in known], axis=0)
    result: Floats = np.mean([area for area, _ in known]) + weights @ np.bincount(codes, weights=influence)
    return result


def auroc(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float | None, Floats]:
    """Probability that a positive scores above a negative, ties counting half (Mann-Whitney), and the share of each photo in it.

    Args:
        scores: (N,).
        positive: (N,) which class each belongs to.

    Returns:
        The area, None where there are no positives or no negatives; and its derivative (N,) by the weight of each photo.
    """
    _, at = np.unique(scores, return_inverse=True)
    negatives, positives = (np.bincount(at[chosen], minlength=at.max() + 1) for chosen in (~positive, positive))
    n_negatives, n_positives = negatives.sum(), positives.sum()
    if not n_negatives or not n_positives:
        return None, np.zeros(len(scores))
    below = (negatives.cumsum() - negatives / 2) / n_negatives  # share of the negatives
    above = 1 - (positives.cumsum() - positives / 2) / n_positives
    area = float((positives * below).sum() / n_positives)
    return area, np.where(positive, (below[at] - area) / n_positives, (above[at] - area) / n_negatives)
