"""Reliability by hand."""

import numpy as np
import pytest

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import reliability
from posture_classifier.metrics.scores import score


def test_reliability_of_known_confidences() -> None:
    """Five photos at 0.6, three of them right, and five at 0.9, all right: 0.05 in the mean."""
    said = np.repeat([[0.6, 0.4], [0.9, 0.1]], 5, axis=0)
    predictions = Predictions(np.arange(10), np.array([0, 0, 0, 1, 1, 0, 0, 0, 0, 0]), said)
    known = reliability(predictions, bins=10)
    assert known.counts.tolist() == [0, 0, 0, 0, 0, 5, 0, 0, 5, 0], "the upper edge belongs to the bin"
    assert known.confidence[[5, 8]] == pytest.approx([0.6, 0.9])
    assert known.accuracy[[5, 8]] == pytest.approx([0.6, 1])
    assert np.isnan(known.accuracy[0])
    assert score(predictions, "ece") == pytest.approx(0.05)
