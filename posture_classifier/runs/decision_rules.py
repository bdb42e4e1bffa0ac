"""The rules that a network's probabilities are used by: what they are, and what each is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.thresholds import (
    SURE,
    Alarm,
    distance_threshold,
    evaluate_alarm,
    evaluate_answers,
    recall_threshold,
)
from posture_classifier.runs.checkpoints import Abstention, ClassThreshold, Familiarity
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.distances import DistanceTable, read_distances
from posture_classifier.runs.predictions import PredictionTable

RECALLS = (0.90, 0.95, 0.99)
"""Shares of a class that there is a threshold for."""
UNKNOWN = Estimate(None)
"""What is not measured, since no photo is left that chose nothing."""


@dataclass(frozen=True)
class DecisionRules:
    """How probabilities are to be used.

    Attributes:
        temperature: What logits are divided by; None leaves them as they are.
        thresholds: Thresholds of calibrated probability by class, for increasing recall; a class
            without a choosing photo has none.
        abstention: When "not sure" is said.
    """

    temperature: float | None
    thresholds: dict[str, list[ClassThreshold]]
    abstention: Abstention


def choose_rules(table: PredictionTable, choice: Choice, judges: bool, seed: int) -> DecisionRules:
    """Choose the rules, and measure them if the evaluated photos can judge: they chose nothing."""
    temperature, calibrated, judged = choice.calibrated(table.predictions)
    thresholds: dict[str, list[ClassThreshold]] = {}
    for label in np.unique(choice.predictions.labels).tolist():
        found = [_threshold(table, calibrated, judged if judges else None, label, recall, seed) for recall in RECALLS]
        if known := [threshold for threshold in found if threshold is not None]:
            thresholds[table.classes[label]] = known
    answers = evaluate_answers(judged, table.groups, SURE, seed) if judges else (UNKNOWN, UNKNOWN)
    return DecisionRules(temperature, thresholds, Abstention(SURE, *answers))


def _threshold(
    table: PredictionTable, choice: Choice, judged: Predictions | None, label: int, recall: float, seed: int
) -> ClassThreshold | None:
    """A class's threshold; None where some part of the photos has none of the class to choose."""

    def lowest(predictions: Predictions) -> float | None:
        return recall_threshold(predictions, label, recall) if label in predictions.labels else None

    chosen = choice.choose(lowest)
    if chosen is None:
        return None
    used, of_photos = chosen
    alarm = Alarm(used, UNKNOWN, UNKNOWN, UNKNOWN)
    if judged is not None:
        alarm = evaluate_alarm(judged, table.groups, label, used, seed, of_photos)
    return ClassThreshold(recall, used, alarm.recall, alarm.false_alarms, alarm.precision)


def choose_familiarity(choosing: DistanceTable, judging: DistanceTable | None, seed: int) -> Familiarity:
    """Choose from which distance on a photo is unlike the training photos, and measure that.

    None of the photos that choose it, or judge it if there are such, was trained on.
    """
    threshold = distance_threshold(choosing.distances)
    if judging is None:
        return Familiarity(threshold, UNKNOWN)
    return Familiarity(threshold, estimate_share(judging.distances > threshold, judging.groups, seed))


def choose_familiarity_of_runs(runs: Sequence[Path], seed: int) -> Familiarity | None:
    """The same for a network of all photos, by those that the network of each fold was tested on.

    Each is measured from the photos that its own network had learnt from, and judged by the
    distance that the photos of the other folds choose.

    Returns:
        None where there is one run, or one of them measured no distances.
    """
    tables = [table for run in runs if (table := read_distances(run / "test")) is not None]
    if len(tables) < max(2, len(runs)):
        return None
    alarms = [
        table.distances > distance_threshold(np.concatenate([other.distances for other in tables if other is not table]))
        for table in tables
    ]
    groups = np.concatenate([table.groups for table in tables])
    threshold = distance_threshold(np.concatenate([table.distances for table in tables]))
    return Familiarity(threshold, estimate_share(np.concatenate(alarms), groups, seed))
