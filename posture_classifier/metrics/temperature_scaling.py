"""Whether a probability means what it says, and one number that may mend it."""

from dataclasses import replace

import numpy as np

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.types import Floats

RANGE = (0.05, 20.0)
"""Of temperatures; beyond, a network is not miscalibrated but broken."""
STEPS = 60
"""Halvings of the range, on a logarithmic scale; far below any digit that is shown."""


def fit_temperature(predictions: Predictions) -> float | None:
    """The number that logits are divided by so that the log loss is least (Guo et al. 2017, section 4.2).

    The loss is convex in the inverse temperature, so its slope has one zero, which is found by halving. Where every photo is
    right the loss falls for ever as the temperature does: there is no such number, and None is returned.

    Args:
        predictions: Of photos that are not used to judge the result.
    """
    if (predictions.predicted == predictions.labels).all():
        return None
    logits = _log(predictions)
    chosen = logits[np.arange(len(logits)), predictions.labels]
    low, high = np.log(RANGE)
    for _ in range(STEPS):
        middle = (low + high) / 2
        expected = (_softmax(logits / np.exp(middle)) * logits).sum(1)
        # The slope in the inverse temperature: above zero, that is too large, and the temperature too small.
        low, high = (middle, high) if (expected - chosen).mean() > 0 else (low, middle)
    return float(np.exp((low + high) / 2))


def rescale(predictions: Predictions, by: float) -> Predictions:
    """The same predictions at another temperature; the order of classes stays, so that accuracy does."""
    return replace(predictions, probabilities=_softmax(_log(predictions) / by))


def _log(predictions: Predictions) -> Floats:
    """(N, C) logits, but for a constant of each photo."""
    result: Floats = np.log(np.maximum(predictions.probabilities, 1e-30))
    return result


def _softmax(logits: Floats) -> Floats:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    result: Floats = exponentials / exponentials.sum(1, keepdims=True)
    return result
