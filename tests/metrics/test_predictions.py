"""Predictions that ranks of a distributed evaluation gathered."""

import numpy as np

from posture_classifier.metrics.predictions import Predictions


def test_repeats_of_a_distributed_sampler_count_once() -> None:
    predictions = Predictions.unique(np.array([2, 0, 1, 0]), np.array([1, 0, 1, 0]), np.eye(2, dtype=np.float32)[[1, 0, 0, 0]])
    assert predictions.indices.tolist() == [0, 1, 2]
    assert predictions.correct.tolist() == [True, False, True]
    assert predictions.confusion.tolist() == [[1, 0], [1, 1]]
