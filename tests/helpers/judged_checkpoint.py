"""A checkpoint that holds all that can be measured of a network, with made figures."""

from pathlib import Path
from typing import Any

import torch

from posture_classifier import Classifier
from posture_classifier.models.familiarity import fit_familiarity
from tests.helpers.program import REPOSITORY

OLD_CHECKPOINT = REPOSITORY / "tests" / "helpers" / "old_run" / "version_0" / "checkpoints" / "best.ckpt"
"""Classes ``left`` and ``right``, 32 px; nothing was measured for it."""


def interval(value: float) -> dict[str, float]:
    """A share that may be 0.1 less or 0.05 more."""
    return {"value": value, "low": value - 0.1, "high": value + 0.05}


def judge(path: Path, without: tuple[str, ...] = (), **changed: Any) -> Path:
    """Write the old checkpoint with an evaluation: each photo is sure, and none familiar.

    Args:
        path: The file to write.
        without: Parts that the evaluation is to lack.
        **changed: Parts in place of those here.
    """
    content = torch.load(OLD_CHECKPOINT, weights_only=True)
    _, features = Classifier.load(OLD_CHECKPOINT, "cpu").model.logits_and_features(torch.zeros(1, 3, 32, 32))
    drawn = torch.randn(20, features.shape[1], generator=torch.Generator().manual_seed(0))
    row = {"recall": interval(0.94), "false_alarms": interval(0.2), "precision": interval(0.8)}
    evaluation = {
        "procedure": "test split",
        "images": 150,
        "groups": 15,
        "accuracy": interval(0.9),
        "temperature": 2.0,
        "thresholds": {
            "left": [{"wanted_recall": 0.9, "threshold": 0.0, **row}, {"wanted_recall": 0.95, "threshold": 1.0, **row}],
            "right": [{"wanted_recall": 0.95, "threshold": 0.5, **row}],
        },
        "abstention": {"threshold": 0.5, "answered": interval(0.85), "accuracy": interval(0.94)},
        "familiarity": {
            "threshold": 0.0,
            "false_alarms": interval(0.11),
            "reference": fit_familiarity(drawn, torch.arange(20) % 2),
        },
    }
    content["evaluation"] = {name: value for name, value in {**evaluation, **changed}.items() if name not in without}
    torch.save(content, path)
    return path
