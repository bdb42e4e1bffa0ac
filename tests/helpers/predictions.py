"""Predictions without a network."""

import numpy as np
from scipy.special import softmax

from posture_classifier.metrics.predictions import Predictions


def calibrated(n: int, classes: int, seed: int = 0) -> Predictions:
    """Predictions whose labels are drawn from their probabilities."""
    generator = np.random.default_rng(seed)
    probabilities = softmax(2 * generator.standard_normal((n, classes)), axis=1)
    labels = np.array([generator.choice(classes, p=row) for row in probabilities])
    return Predictions(np.arange(n), labels, probabilities)
