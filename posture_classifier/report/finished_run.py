"""Reads the folder of a finished run."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.inference import Classifier
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, PREDICTIONS_CSV, SPLIT_CSV
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_settings
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows


@dataclass(frozen=True)
class FinishedRun:
    """A finished run.

    Attributes:
        folder: ``lightning_logs/<experiment>/version_N``.
        summary: Content of ``summary.json``.
        settings: Content of ``config.yaml``.
        epochs: Rows of ``metrics.csv``; none where nothing was trained, as by ``test``.
        split_rows: Rows of ``split.csv``.
        evaluated: Predictions of the photos that the summary is about.
    """

    folder: Path
    summary: dict[str, Any]
    settings: dict[str, Any]
    epochs: list[dict[str, str]]
    split_rows: list[dict[str, str]]
    evaluated: PredictionTable

    @property
    def name(self) -> str:
        """Experiment and version: ``demo/version_0``."""
        return "/".join(self.folder.resolve().parts[-2:])

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the labels."""
        return list(self.summary["classes"])

    @property
    def root(self) -> Path:
        """Folder of the photos, which may no longer be there."""
        return Path(self.settings["data"]["root"])

    @property
    def checkpoint(self) -> Path:
        """Checkpoint of the best epoch, which may no longer be there."""
        return self.folder / "checkpoints" / "best.ckpt"

    @cached_property
    def classifier(self) -> Classifier | None:
        """Network of the best epoch; None where the checkpoint is gone."""
        if not self.checkpoint_content:
            return None
        return Classifier.from_checkpoint(
            self.checkpoint, self.checkpoint_content, precision=self.settings.get("precision", "auto")
        )

    @cached_property
    def checkpoint_content(self) -> dict[str, Any]:
        """Content of the checkpoint; empty where it is gone."""
        return read_checkpoint(self.checkpoint) if self.checkpoint.is_file() else {}

    def split(self, name: str) -> list[dict[str, str]]:
        """Rows of ``split.csv`` of one split: train, val or test."""
        return [row for row in self.split_rows if row["split"] == name]


def read_finished_run(folder: Path) -> FinishedRun:
    """Read the folder of a finished run.

    Raises:
        UserError: The folder is no run, or the run was stopped before its end, or a file is
            damaged.
    """
    if not (folder / CONFIG_YAML).is_file():
        raise UserError(f"{folder} is not the folder of a run; expected lightning_logs/<experiment>/version_N")
    if not (folder / "summary.json").is_file():
        raise UserError(
            f"{folder} has no summary.json: the run was stopped before its evaluation; resume it with fit --ckpt_path last, and "
            "the options it was started with"
        )
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        settings = read_settings(folder / CONFIG_YAML)
        split_rows = read_rows(folder / SPLIT_CSV)
        evaluated = read_prediction_table(folder / summary["split"] / PREDICTIONS_CSV)
        return FinishedRun(folder, summary, settings, read_rows(folder / METRICS_CSV), split_rows, evaluated)
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise UserError(f"a file in {folder} is damaged ({error}); a report needs the run folder as the run left it") from error


def validation_predictions(run: FinishedRun) -> PredictionTable | None:
    """Read the best epoch's predictions of the validation photos, or make and save them.

    They are saved in ``val/predictions.csv``. The result is None where the run was evaluated on its
    validation photos, and where they or the checkpoint are gone.
    """
    path = run.folder / "val" / PREDICTIONS_CSV
    if run.summary["split"] == "val":
        return None
    if not path.is_file() or _outdated(path, run.checkpoint):
        rows = run.split("val")
        if run.classifier is None or not rows or not all((run.root / row["path"]).is_file() for row in rows):
            return None
        _predict(run.classifier, run.root, rows, path)
    return read_prediction_table(path)


def _outdated(predictions: Path, checkpoint: Path) -> bool:
    """Tell whether a resumed run has found a better epoch since its predictions."""
    return checkpoint.is_file() and predictions.stat().st_mtime < checkpoint.stat().st_mtime


def _predict(classifier: Classifier, root: Path, rows: list[dict[str, str]], path: Path) -> None:
    """Write the predictions of some photos in the form of the evaluation's, all of them or none."""
    predicted = classifier.predict([root / row["path"] for row in rows])
    readable = [(row, each.probabilities) for row, each in zip(rows, predicted, strict=True) if each.probabilities is not None]
    classes = list(classifier.class_names)
    labels = np.array([classes.index(row["label"]) for row, _ in readable], dtype=np.int64)
    probabilities = np.array([[shares[name] for name in classes] for _, shares in readable])
    PredictionTable(
        paths=np.array([row["path"] for row, _ in readable]),
        groups=np.array([row["group"] for row, _ in readable]),
        classes=classes,
        predictions=Predictions(np.arange(len(readable)), labels, probabilities),
    ).write(path)
