"""Thresholds of a class's probability, so that an alarm catches a wanted share of its photos."""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.types import Floats


@dataclass(frozen=True)
class Alarm:
    """How well an alarm at a threshold works, on photos that did not choose the threshold.

    Attributes:
        threshold: Lowest probability of the class that raises the alarm.
        recall: Share of the class's photos that raise it.
        false_alarms: Share of the other photos that raise it.
        precision: Share of the alarms that are right; its value is None where there is no alarm.
    """

    threshold: float
    recall: Estimate
    false_alarms: Estimate
    precision: Estimate


def recall_threshold(predictions: Predictions, label: int, recall: float) -> float:
    """Find the highest threshold that catches at least a share ``recall`` of a class's photos.

    Args:
        predictions: Predictions that hold photos of the class, and do not judge the result.
        label: The class, against all others.
        recall: Wanted share, above 0 and at most 1.

    Example:
        >>> scores = np.array([0.9, 0.8, 0.3, 0.2])
        >>> labels, probabilities = np.array([1, 1, 1, 0]), np.stack([1 - scores, scores], 1)
        >>> predictions = Predictions(np.arange(4), labels, probabilities)
        >>> recall_threshold(predictions, label=1, recall=0.6)
        0.8
    """
    scores = np.sort(predictions.probabilities[predictions.labels == label, label])[::-1]
    # A share such as 0.95 is a little more than it says, as a binary fraction.
    return float(scores[ceil(recall * len(scores) - 1e-9) - 1])


def evaluate_alarm(
    predictions: Predictions,
    groups: npt.NDArray[np.str_],
    label: int,
    threshold: float,
    seed: int = 0,
    judged: Floats | None = None,
) -> Alarm:
    """Measure how well an alarm at a threshold works.

    Args:
        predictions: N photos.
        groups: (N,) group of each photo.
        label: The class to be caught.
        threshold: Lowest probability of the class that raises the alarm.
        seed: Seed of the bootstrap.
        judged: (N,) a threshold for each photo in place of ``threshold``, where the photos of each
            fold judge one that others chose.

    Example:
        >>> probabilities = np.array([[0.2, 0.8], [0.6, 0.4], [0.7, 0.3], [0.3, 0.7]])
        >>> predictions = Predictions(np.arange(4), np.array([1, 1, 0, 0]), probabilities)
        >>> alarm = evaluate_alarm(predictions, np.array(["a", "b", "c", "d"]), 1, threshold=0.5)
        >>> alarm.recall.value, alarm.false_alarms.value
        (0.5, 0.5)
    """
    raised = predictions.probabilities[:, label] >= (threshold if judged is None else judged)
    positive = predictions.labels == label
    return Alarm(
        threshold,
        recall=estimate_share(raised[positive], groups[positive], seed),
        false_alarms=estimate_share(raised[~positive], groups[~positive], seed),
        precision=estimate_share(positive[raised], groups[raised], seed),
    )


class OperatingPoints(NamedTuple):
    """Recall, false alarms and precision at every threshold, from the highest to the lowest.

    Attributes:
        recall: (T,) share of the class's photos at or above the threshold, 0 to 1.
        false_alarms: (T,) share of the other photos at or above it, 0 to 1.
        precision: (T,) share of the photos at or above it that are of the class, 0 to 1.
    """

    recall: Floats
    false_alarms: Floats
    precision: Floats


def operating_points(scores: Floats, positive: npt.NDArray[np.bool_]) -> OperatingPoints:
    """Compute the points of a ROC and of a precision-recall curve, one for each score that occurs.

    Args:
        scores: (N,) probability of the class.
        positive: (N,) whether a photo is of the class; some are and some are not.

    Example:
        >>> operating_points(np.array([0.9, 0.6, 0.4]), np.array([True, False, True])).recall
        array([0.5, 0.5, 1. ])
    """
    from sklearn.metrics import precision_recall_curve, roc_curve  # takes a second, and only a report draws curves

    false_alarms, recall, _ = roc_curve(positive, scores, drop_intermediate=False)
    precision, _, _ = precision_recall_curve(positive, scores)
    # Each has a point of its own for a threshold that no photo reaches.
    return OperatingPoints(recall[1:], false_alarms[1:], precision[-2::-1])
