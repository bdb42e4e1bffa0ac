"""When "not sure" is said in place of a label, and what that is worth."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.predictions import Predictions

SURE = 0.9
"""From which calibrated probability on a label is said (Chow 1970, "On optimum recognition error
and reject tradeoff").

It is the best rule where an error costs ten times as much as no answer, if the probabilities mean
what they say. It was chosen among six by measurement (``benchmarks/not_sure.py``).
"""


class Answers(NamedTuple):
    """What saying "not sure" does.

    Attributes:
        answered: Share of photos that get a label.
        accuracy: Share of those that are right.
    """

    answered: Estimate
    accuracy: Estimate


def evaluate_answers(predictions: Predictions, groups: npt.NDArray[np.str_], threshold: float, seed: int = 0) -> Answers:
    """Measure how many photos get a label, and how many of these are right.

    Args:
        predictions: N photos with calibrated probabilities.
        groups: (N,) group of each photo.
        threshold: Lowest probability of a label that is said.
        seed: Seed of the bootstrap.

    Example:
        >>> probabilities = np.array([[0.95, 0.05], [0.6, 0.4], [0.08, 0.92]])
        >>> predictions = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities)
        >>> answers = evaluate_answers(predictions, np.array(["a", "b", "c"]), threshold=0.9)
        >>> round(answers.answered.value, 2), answers.accuracy.value
        (0.67, 1.0)
    """
    answered = predictions.confidence >= threshold
    return Answers(
        estimate_share(answered, groups, seed),
        estimate_share(predictions.correct[answered], groups[answered], seed),
    )
