"""How good a run's network is: predictions, metrics with confidence intervals, and plots."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.callbacks.frozen_cache import FrozenCache
from posture_classifier.callbacks.of_trainer import callbacks_of, data_of
from posture_classifier.callbacks.solve_head import SolveHead
from posture_classifier.data.folder import Photos
from posture_classifier.data.split_file import write_split
from posture_classifier.metrics.scores import estimates
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.precision import compute_type, dtype_name
from posture_classifier.rendering.confusion_matrix import plot_confusion
from posture_classifier.rendering.formatting import describe_interval
from posture_classifier.rendering.learning_curves import plot_curves
from posture_classifier.runs.names import METRICS_CSV, PREDICTIONS_CSV
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.runs.status import find_status
from posture_classifier.runs.tables import read_curves
from posture_classifier.utils.device import device_name
from posture_classifier.utils.files import write_json
from posture_classifier.utils.text import describe_size

PACKAGES = ("posture-classifier", "torch", "torchvision", "lightning", "timm", "albumentations", "numpy", "pillow")


class EvaluationReport(Callback):
    """Writes ``split.csv``, ``<split>/predictions.csv``, ``summary.json`` and plots of a run.

    It reports on ``trainer.test`` and ``trainer.validate``, not on the validations within a fit.
    Where a fit keeps no photo for either, ``summary.json`` only tells what was trained.

    Args:
        seed: Seed of the run, for the bootstrap and for the record.

    Example:
        >>> trainer = Trainer(callbacks=[EvaluationReport(seed=42)], logger=False)
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.summary: dict[str, Any] = {}
        self._folder = Path()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Ask for the folder, which involves all ranks, and write the split before all else."""
        self._folder = Path(trainer.log_dir or ".")
        if trainer.is_global_zero and not (self._folder / "split.csv").exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            write_split(data_of(trainer).photos, self._folder / "split.csv")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what was trained, if all photos were and so nothing will be evaluated."""
        data = data_of(trainer)
        if trainer.is_global_zero and not data.has_test and not data.has_val:
            assert isinstance(pl_module, PostureClassifier)
            self._write_summary(trainer, pl_module, {"split": None, "images": 0, "groups": None, "status": {}, "near_copies": None})

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report on the test split, or on validation where there is no test split."""
        self._report(trainer, pl_module, "test" if data_of(trainer).has_test else "val")

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report on the validation split when that is all that was asked for."""
        if trainer.state.fn == "validate":
            self._report(trainer, pl_module, "val")

    def _report(self, trainer: Trainer, model: LightningModule, split: str) -> None:
        assert isinstance(model, PostureClassifier)
        predictions = model.predictions()
        data = data_of(trainer)
        # With trainer.limit_test_batches only some of the split's photos were seen.
        seen = data.photos.in_split(split).select(predictions.indices)
        measured = estimates(predictions, np.asarray(seen.groups), self.seed)
        if trainer.state.fn == "test":  # the model itself logs what it validates
            values = {f"{split}/{name}": estimate.value for name, estimate in measured.items() if estimate.value is not None}
            model.log_dict(values, sync_dist=True)
        if not trainer.is_global_zero:
            return
        groups = len(seen.groups.unique()[0]) if seen.grouped else None
        near_copies = data.near_copies.get(split)
        accuracy = measured["accuracy"]
        figures = {
            "split": split,
            "images": len(seen),
            "groups": groups,
            **{name: vars(estimate) for name, estimate in measured.items()},
            "status": find_status(predictions, data.class_names, accuracy, groups, split == "val", near_copies),
            "near_copies": near_copies._asdict() if near_copies else None,
        }
        rows = self._write_summary(trainer, model, figures)
        table = PredictionTable(np.asarray(seen.paths), np.asarray(seen.groups), data.class_names, predictions)
        table.write(self._folder / split / PREDICTIONS_CSV)
        title = (
            f"{split}: accuracy {accuracy.value:.3f}, 95 % interval {describe_interval(accuracy)}\n{describe_size(self.summary)}"
        )
        plot_confusion(predictions.confusion, data.class_names, title, self._folder / "confusion_matrix.png")
        if rows:
            plot_curves(rows, self._folder / "curves.png")

    def _write_summary(self, trainer: Trainer, model: PostureClassifier, figures: dict[str, Any]) -> list[dict[str, str]]:
        """Write figures and what was trained to ``summary.json``; return the rows of the epochs."""
        data, rows = data_of(trainer), read_curves(self._folder / METRICS_CSV)
        self.summary = figures | {
            "classes": data.class_names,
            "splits": split_sizes(data.photos),
            "phases": _phases(rows),
            "seed": self.seed,
            "frozen_part": [phase for cache in callbacks_of(trainer, FrozenCache) for phase in cache.phases],
            "solved_head": next((solver.solution for solver in callbacks_of(trainer, SolveHead)), None),
        }
        self.summary |= _circumstances(trainer, model)
        write_json(self._folder / "summary.json", self.summary)
        return rows


def _circumstances(trainer: Trainer, model: PostureClassifier) -> dict[str, Any]:
    """Record what was trained, on which hardware, in which precision and with which versions."""
    return {
        "backbone": model.hparams["backbone"],
        "weights": model.hparams["weights_source"],
        "average_mirrored": model.hparams["average_mirrored"],
        "parameters": sum(parameter.numel() for parameter in model.backbone.parameters()),
        "device": str(model.device),
        "hardware": device_name(model.device),
        "precision": str(trainer.precision),
        "computed_in": {
            kind: dtype_name(compute_type(model.backbone, model.precision, learns))
            for kind, learns in (("training", True), ("evaluation", False))
        },
        "versions": {"python": platform.python_version()} | {name: version(name) for name in PACKAGES},
        "git_commit": _git_commit(),
    }


def split_sizes(photos: Photos) -> dict[str, dict[str, int | None]]:
    """Count the photos and groups of each split."""
    parts = {name: photos.in_split(name) for name in ("train", "val", "test")}
    return {
        name: {"images": len(part), "groups": len(part.groups.unique()[0]) if part.grouped else None}
        for name, part in parts.items()
    }


def _phases(rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Join successive epochs with as many open stages; their seconds include validation."""
    phases: list[dict[str, Any]] = []
    for row in rows:
        n_open = int(float(row.get("stages_open") or 0))
        if not phases or phases[-1]["stages_open"] != n_open:
            phases.append({"stages_open": n_open, "first_epoch": int(row["epoch"]), "last_epoch": 0, "seconds": 0.0})
        phases[-1]["last_epoch"] = int(row["epoch"])
        phases[-1]["seconds"] = round(phases[-1]["seconds"] + float(row["seconds"]), 3)
    return phases


def _git_commit() -> str | None:
    """The commit of the folder that the run was started in, if it is under git."""
    try:
        result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return result.stdout.strip() if result.returncode == 0 else None
