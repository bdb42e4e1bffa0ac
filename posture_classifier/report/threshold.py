"""From which probability on to raise an alarm, so that a wanted share of a class is caught."""

from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt

from posture_classifier.evaluation import Predictions
from posture_classifier.intervals import Figure, share


@dataclass(frozen=True)
class Alarm:
    """What an alarm at a threshold does, on photos that did not choose it.

    Attributes:
        threshold: Least probability of the class that raises the alarm.
        recall: Share of the class's photos that do.
        false_alarms: Share of the other photos that do.
        precision: Share of the alarms that are right; its value is None where there is no alarm.
    """

    threshold: float
    recall: Figure
    false_alarms: Figure
    precision: Figure


def threshold(predictions: Predictions, label: int, recall: float) -> float:
    """The largest probability from which on at least a share ``recall`` of a class's photos is caught.

    Args:
        predictions: That hold photos of the class; not those to judge the result by.
        label: The class, against all others.
        recall: Above 0, at most 1.
    """
    scores = np.sort(predictions.probabilities[predictions.labels == label, label])[::-1]
    # A share such as 0.95 is a little more than it says, as a binary fraction.
    return float(scores[ceil(recall * len(scores) - 1e-9) - 1])


def alarm(predictions: Predictions, groups: npt.NDArray[np.str_], label: int, at: float, seed: int = 0) -> Alarm:
    """Judge a threshold.

    Args:
        predictions: N photos.
        groups: (N,) of each.
        label: The class that is to be caught.
        at: The threshold.
        seed: Of the bootstrap.
    """
    raised, positive = predictions.probabilities[:, label] >= at, predictions.labels == label
    return Alarm(
        at,
        recall=share(raised[positive], groups[positive], seed),
        false_alarms=share(raised[~positive], groups[~positive], seed),
        precision=share(positive[raised], groups[raised], seed),
    )
