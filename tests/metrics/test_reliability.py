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
    known = reliability(predictions)
    assert np.flatnonzero(known.counts).tolist() == [8, 13], "the upper edge, 9/15, belongs to the bin"
    assert known.counts[[8, 13]].tolist() == [5, 5]
    assert known.confidence[[8, 13]] == pytest.approx([0.6, 0.9])
    assert known.accuracy[[8, 13]] == pytest.approx([0.6, 1])
    assert np.isnan(known.accuracy[0])
    assert score(predictions, "ece") == pytest.approx(0.05)
