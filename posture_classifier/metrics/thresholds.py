"""Thresholds: of an alarm for a class, of "not sure", and of being unlike the training photos."""

from dataclasses import dataclass
from math import ceil
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.types import Floats

SURE = 0.9
"""From which calibrated probability on a label is said (Chow 1970, "On optimum recognition error
and reject tradeoff").

It is the best rule where an error costs ten times as much as no answer, if the probabilities mean
what they say. It was chosen among six by measurement (``benchmarks/not_sure.py``).
"""
FALSE_ALARMS = 0.05
"""Share of photos of the same kind, of people not seen, that may be said to be unlike."""


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


def evaluate_answers(
    predictions: Predictions, groups: npt.NDArray[np.str_], threshold: float, seed: int = 0
) -> tuple[Estimate, Estimate]:
    """Measure which share of photos gets a label, and which share of these is right.

    Args:
        predictions: N photos with calibrated probabilities.
        groups: (N,) group of each photo.
        threshold: Lowest probability of a label that is said.
        seed: Seed of the bootstrap.

    Example:
        >>> probabilities = np.array([[0.95, 0.05], [0.6, 0.4], [0.08, 0.92]])
        >>> predictions = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities)
        >>> groups = np.array(["a", "b", "c"])
        >>> answered, accuracy = evaluate_answers(predictions, groups, threshold=0.9)
        >>> round(answered.value, 2), accuracy.value
        (0.67, 1.0)
    """
    answered = predictions.confidence >= threshold
    right = predictions.correct[answered]
    return estimate_share(answered, groups, seed), estimate_share(right, groups[answered], seed)


def distance_threshold(distances: Floats) -> float:
    """Choose the distance that a share of ``FALSE_ALARMS`` of new photos of the same kind exceeds.

    The quantile of split conformal prediction (Vovk et al. 2005), which allows for how few photos
    there are; of very few it is the largest distance.

    Args:
        distances: (N,) of photos that were not trained on.

    Example:
        >>> distance_threshold(np.arange(1.0, 101.0)), distance_threshold(np.array([1.0, 1.5]))
        (96.0, 1.5)
    """
    rank = ceil((len(distances) + 1) * (1 - FALSE_ALARMS) - 1e-9)
    return float(np.sort(distances)[min(rank, len(distances)) - 1])


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
