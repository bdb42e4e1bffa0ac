"""From which probability on to raise an alarm, so that a wanted share of a class is caught."""

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
    """What an alarm at a threshold does, on photos that did not choose it.

    Attributes:
        threshold: Least probability of the class that raises the alarm.
        recall: Share of the class's photos that do.
        false_alarms: Share of the other photos that do.
        precision: Share of the alarms that are right; its value is None where there is no alarm.
    """

    threshold: float
    recall: Estimate
    false_alarms: Estimate
    precision: Estimate


def recall_threshold(predictions: Predictions, label: int, recall: float) -> float:
    """The largest probability from which on at least a share ``recall`` of a class's photos is caught.

    Args:
        predictions: That hold photos of the class; not those to judge the result by.
        label: The class, against all others.
        recall: Above 0, at most 1.
    """
    scores = np.sort(predictions.probabilities[predictions.labels == label, label])[::-1]
    # A share such as 0.95 is a little more than it says, as a binary fraction.
    return float(scores[ceil(recall * len(scores) - 1e-9) - 1])


def evaluate_alarm(predictions: Predictions, groups: npt.NDArray[np.str_], label: int, at: float, seed: int = 0) -> Alarm:
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
        recall=estimate_share(raised[positive], groups[positive], seed),
        false_alarms=estimate_share(raised[~positive], groups[~positive], seed),
        precision=estimate_share(positive[raised], groups[raised], seed),
    )


class OperatingPoints(NamedTuple):
    """What every threshold does, (T,) each, from the highest threshold to the lowest: shares from 0 to 1."""

    recall: Floats
    false_alarms: Floats
    precision: Floats


def operating_points(scores: Floats, positive: npt.NDArray[np.bool_]) -> OperatingPoints:
    """The points of a ROC and of a precision-recall curve, one for each score that occurs.

    Args:
        scores: (N,) probability of the class.
        positive: (N,) whether a photo is of the class; some are and some are not.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))  # of each run of equal scores
    caught, alarms = positive[order].cumsum()[last], last + 1
    return OperatingPoints(caught / positive.sum(), (alarms - caught) / (~positive).sum(), caught / alarms)
