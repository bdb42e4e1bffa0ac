"""Opens what classifies: a checkpoint, or a model that was exported."""

import os
from pathlib import Path

import torch

from posture_classifier.export.artifact import ExportedClassifier, find_artifact, is_artifact
from posture_classifier.inference import Classifier, PhotoClassifier
from posture_classifier.models.precision import Precision
from posture_classifier.runs.checkpoints import find_checkpoint
from posture_classifier.utils.errors import UserError


def network_file(path: str) -> Path:
    """The file that a path stands for: an exported model, or the checkpoint of a run.

    Raises:
        UserError: There is none.
    """
    file = find_artifact(Path(path)) or find_checkpoint(Path(path))
    if not file.exists():
        raise UserError(f"{path} does not exist; give a checkpoint, as lightning_logs/<experiment>/version_N/checkpoints/best.ckpt")
    return file


def open_classifier(file: Path, device: str | None, precision: Precision) -> PhotoClassifier:
    """Open a checkpoint or an exported model.

    Args:
        file: What ``network_file`` returned.
        device: A device of torch. None takes a GPU if there is one: of several processes on a
            machine each its own, by torchrun's ``LOCAL_RANK``.
        precision: ``auto`` or ``fp32``; an exported model has its own.

    Raises:
        UserError: It cannot be read, or not with these options.
    """
    if not is_artifact(file):
        return Classifier.load(file, device or _device_of_rank(), precision)
    if device not in (None, "cpu") or precision != "auto":
        raise UserError(f"{file} is an exported model, which has its own device and precision; leave --device and --precision out")
    return ExportedClassifier.load(file)


def _device_of_rank() -> str | None:
    rank = os.environ.get("LOCAL_RANK", "")
    return f"cuda:{int(rank) % torch.cuda.device_count()}" if rank.isdigit() and torch.cuda.is_available() else None
