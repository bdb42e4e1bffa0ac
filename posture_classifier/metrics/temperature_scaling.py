"""Temperature scaling: one number that makes probabilities mean what they say (Guo et al. 2017)."""

from dataclasses import replace

import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.types import Floats

RANGE = (0.05, 20.0)
"""Lowest and highest temperature; beyond, a network is not miscalibrated but broken."""
LEAST = 5
"""Photos that must be wrong, and as many that must be right.

With fewer wrong ones a temperature makes the log loss of new photos higher than none does, as a
mean over networks that are from too unsure to twice too sure (``benchmarks/temperature.py``).
"""


def fit_temperature(predictions: Predictions) -> float | None:
    """Find the temperature of the lowest log loss: the number that logits are divided by.

    Source: Guo et al. 2017, section 4.2. The loss is convex in the inverse temperature, so its
    slope has one zero.

    Args:
        predictions: Predictions that are not used to judge the result.

    Returns:
        A temperature within ``RANGE``; None if less than ``LEAST`` photos are wrong, or right.

    Example:
        Always 99 % sure and right about 9 of 10 photos: the model is too sure by a factor of two.

        >>> probabilities = np.tile([0.99, 0.01], (50, 1))
        >>> predictions = Predictions(np.arange(50), np.repeat([1, 0], [5, 45]), probabilities)
        >>> temperature = fit_temperature(predictions)
        >>> round(temperature, 2), rescale(predictions, temperature).confidence[0].round(2)
        (2.09, np.float64(0.9))
    """
    n_right = int(predictions.correct.sum())
    if min(n_right, len(predictions.labels) - n_right) < LEAST:
        return None
    logits = _logits(predictions)
    chosen = logits[np.arange(len(logits)), predictions.labels]

    def slope(log_temperature: float) -> float:
        """Slope of the loss in the inverse temperature; above 0 if the temperature is too low."""
        expected = (softmax(logits / np.exp(log_temperature), axis=1) * logits).sum(1)
        return float((expected - chosen).mean())

    low, high = np.log(RANGE)
    if slope(low) <= 0:
        return RANGE[0]
    if slope(high) > 0:
        return RANGE[1]
    return float(np.exp(brentq(slope, low, high)))


def rescale(predictions: Predictions, temperature: float | Floats) -> Predictions:
    """Divide the logits by one temperature, or (N,) one for each photo; predicted classes stay."""
    return replace(predictions, probabilities=softmax(_logits(predictions) / np.reshape(temperature, (-1, 1)), axis=1))


def _logits(predictions: Predictions) -> Floats:
    """(N, C) logits, up to a constant for each photo."""
    return np.log(np.maximum(predictions.probabilities, 1e-30))
