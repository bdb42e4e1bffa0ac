"""Bins of confidence, for reliability diagrams and the expected calibration error."""

from dataclasses import dataclass

import numpy as np

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.types import Floats, Ints

BINS = 15
"""Bins of equal width in confidence; as many as Guo et al. 2017 take."""


@dataclass(frozen=True)
class Reliability:
    """Confidence and accuracy by bin of confidence (Guo et al. 2017, section 2).

    Bin ``b`` of B holds the photos whose most probable class has a probability above ``b/B`` and at
    most ``(b+1)/B``.

    Attributes:
        counts: (B,) number of photos.
        confidence: (B,) mean probability of the most probable class; NaN in an empty bin.
        accuracy: (B,) share of the photos that are right; NaN in an empty bin.
    """

    counts: Ints
    confidence: Floats
    accuracy: Floats


def reliability(predictions: Predictions) -> Reliability:
    """Group the photos by confidence.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6]])
        >>> predictions = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities)
        >>> reliability(predictions).counts.tolist()
        [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0]
    """
    codes = confidence_bins(predictions)
    counts = np.bincount(codes, minlength=BINS)
    confidence = np.bincount(codes, weights=predictions.confidence, minlength=BINS)
    correct = np.bincount(codes, weights=predictions.correct, minlength=BINS)
    with np.errstate(invalid="ignore"):
        return Reliability(counts.astype(np.int64), confidence / counts, correct / counts)


def confidence_bins(predictions: Predictions) -> Ints:
    """(N,) number of the bin that each photo's confidence lies in."""
    # Probabilities that were rounded to float32 may exceed 1 in the last digit.
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], predictions.confidence).astype(np.int64)
