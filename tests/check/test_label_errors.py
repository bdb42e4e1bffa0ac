"""Confident learning by hand."""

import numpy as np

from posture_classifier.check.label_errors import find_suspects


def test_confident_learning_by_hand() -> None:
    """The mean self-confidences are 0.65 and 0.7: only the third photo counts as the other."""
    probabilities = np.array([[0.9, 0.1], [0.85, 0.15], [0.2, 0.8], [0.3, 0.7], [0.3, 0.7], [0.4, 0.6]])
    assert find_suspects(np.array([0, 0, 0, 1, 1, 1]), probabilities).tolist() == [2]
