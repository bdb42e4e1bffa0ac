"""Puts into a checkpoint what was measured of its network, so that it travels with it."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from posture_classifier.metrics.intervals import estimate_share
from posture_classifier.metrics.scores import METRICS
from posture_classifier.models.checkpoint import EVALUATION, Procedure, load_plain
from posture_classifier.runs.checkpoints import Familiarity
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.decision_rules import choose_rules
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.training.checkpoint_io import AtomicCheckpointIO


def describe_evaluation(
    table: PredictionTable, summary: dict[str, Any], procedure: Procedure, choice: Choice | None, seed: int, judges: bool = True
) -> dict[str, Any]:
    """Describe in plain values how good a network can be expected to be, and how to use it.

    The table is of photos that the network, or one trained like it, has not seen, and the summary
    is what was measured on them. The photos of ``choice``, if there are any, choose temperature and
    thresholds; those of the table can judge (``judges``) if they chose nothing.

    Returns:
        ``procedure``, numbers of ``folds`` (0 outside of a cross-validation), ``images`` and
        ``groups`` (None if none were named), each metric with its interval, ``classes`` (photos,
        recall and precision of each), ``status`` (sentences on what limits the figures), and with
        choosing photos the ``temperature`` (None if too few choose it), the ``thresholds`` of each
        class, and ``abstention``.
    """
    labels, predicted = table.predictions.labels, table.predictions.predicted
    classes = {}
    for label, name in enumerate(table.classes):
        of_class, called = labels == label, predicted == label
        classes[name] = {
            "images": int(of_class.sum()),
            "recall": vars(estimate_share(predicted[of_class] == label, table.groups[of_class], seed)),
            "precision": vars(estimate_share(labels[called] == label, table.groups[called], seed)),
        }
    figures = {name: summary[name] for name in ("images", "groups", *METRICS, "status") if name in summary}
    rules = {} if choice is None else asdict(choose_rules(table, choice, judges, seed))
    evaluation = {"procedure": procedure, "folds": len(table.fold_numbers), **figures, "classes": classes, **rules}
    # A checkpoint may hold no numbers of NumPy: it would not load without executing anything.
    plain: dict[str, Any] = json.loads(json.dumps(evaluation))
    return plain


def describe_familiarity(familiarity: Familiarity, reference: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Describe when a photo is unlike the training photos, as a checkpoint holds it."""
    return {**json.loads(json.dumps(asdict(familiarity))), "reference": reference}


def store_evaluation(checkpoint: Path, evaluation: dict[str, Any]) -> None:
    """Put the figures into a checkpoint; all of it is written or nothing.

    The time of the file stays: by it others see whether the network is another one than that which
    they were made with.
    """
    status = checkpoint.stat()
    AtomicCheckpointIO().save_checkpoint(load_plain(checkpoint) | {EVALUATION: evaluation}, checkpoint)
    os.utime(checkpoint, ns=(status.st_atime_ns, status.st_mtime_ns))
