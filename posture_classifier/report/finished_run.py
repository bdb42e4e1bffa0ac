"""Reads the folder of a finished run."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired

import numpy as np
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.images.photo_source import classifier_input, may_exist, photo_file
from posture_classifier.inference import Classifier
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.models.checkpoint import Count, read_checkpoint
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.runs.choice import Choice
from posture_classifier.runs.names import (
    BEST_CHECKPOINT,
    CONFIG_YAML,
    LAST_CHECKPOINT,
    METRICS_CSV,
    PREDICTIONS_CSV,
    SPLIT_CSV,
)
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_near_copies, read_settings
from posture_classifier.runs.tables import read_curves, read_split_rows
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size, first_line
from posture_classifier.utils.validation import mismatch


class _Size(TypedDict):
    images: Count
    groups: Count | None


class _Phase(TypedDict):
    stages_open: Count
    first_epoch: Count
    last_epoch: Count
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Refit(TypedDict):
    epochs: Annotated[int, Field(ge=1)]
    first_run: str


class _Summary(_Size):
    """What the report reads of ``summary.json``."""

    split: Literal["val", "test"] | None
    classes: list[str]
    seed: Annotated[int, Field(ge=0)]
    backbone: str
    weights: str
    parameters: Count
    splits: dict[Literal["train", "val", "test"], _Size]
    phases: list[_Phase]
    device: str
    hardware: NotRequired[str]
    average_mirrored: NotRequired[bool]
    refit: NotRequired[_Refit]
    precision: str
    versions: dict[str, str]


@dataclass(frozen=True)
class FinishedRun(Evaluated):
    """A finished run.

    Attributes:
        epochs: Rows of ``metrics.csv``; none where nothing was trained, as by ``test``.
        split_rows: Rows of ``split.csv``.
    """

    epochs: list[dict[str, str]]
    split_rows: list[dict[str, str]]

    @property
    def near_copies(self) -> NearCopies | None:
        """How many evaluated photos have a near-copy among those learnt from, where known."""
        return read_near_copies(self.folder)

    @property
    def how_tested(self) -> str:
        """A sentence that says who was tested."""
        return f"These are {describe_size(self.summary)}, and no photo of them was trained on. The intervals are drawn over groups."

    @property
    def checkpoint(self) -> Path:
        """Checkpoint of the best epoch, without validation of the last; it may be gone."""
        return self.folder / "checkpoints" / (BEST_CHECKPOINT if self.split("val") else LAST_CHECKPOINT)

    @cached_property
    def classifier(self) -> Classifier | None:
        """Network of that checkpoint, uncalibrated, as it was evaluated; None where it is gone."""
        if not self.checkpoint_content:
            return None
        return Classifier.from_checkpoint(
            self.checkpoint, self.checkpoint_content, precision=self.settings.get("precision", "auto"), calibrated=False
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
        raise UserError(
            f"{folder} is not the folder of a run; expected lightning_logs/<experiment>/version_N, or crossval_N of crossval"
        )
    if not (folder / "summary.json").is_file():
        raise UserError(
            f"{folder} has no summary.json: the run was stopped before its evaluation; resume it with fit --ckpt_path last, and "
            "the options it was started with"
        )
    summary = _read_summary(folder / "summary.json")
    if summary["split"] is None:
        raise UserError(f"{folder} was trained on all photos, so none was evaluated; report the folder of its cross-validation")
    split_rows = read_split_rows(folder / SPLIT_CSV)
    evaluated = read_prediction_table(folder / summary["split"] / PREDICTIONS_CSV)
    if evaluated.classes != summary["classes"] or not {row["label"] for row in split_rows} <= set(evaluated.classes):
        raise UserError(f"the files of {folder} name different classes; a report needs the run folder as the run left it")
    settings, epochs = read_settings(folder / CONFIG_YAML), read_curves(folder / METRICS_CSV)
    return FinishedRun(folder, summary, settings, evaluated, epochs, split_rows)


def _read_summary(path: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        reason = mismatch(summary, _Summary)
    except (OSError, ValueError, RecursionError) as error:
        reason = first_line(error)
    if reason:
        raise UserError(f"{path} is damaged ({reason}); a report needs the run folder as the run left it")
    return summary


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
        if run.classifier is None or not rows or not all(may_exist(photo_file(run.root, row["path"])) for row in rows):
            return None
        _predict(run.classifier, run.root, rows, path)
    return read_prediction_table(path)


def choice_by_validation(run: FinishedRun) -> Choice | None:
    """The validation photos choose, and the test photos judge; None if the former are gone."""
    validation = validation_predictions(run)
    return None if validation is None else Choice.by_validation(validation, len(run.evaluated))


def _outdated(predictions: Path, checkpoint: Path) -> bool:
    """Tell whether a resumed run has found a better epoch since its predictions."""
    return checkpoint.is_file() and predictions.stat().st_mtime < checkpoint.stat().st_mtime


def _predict(classifier: Classifier, root: Path, rows: list[dict[str, str]], path: Path) -> None:
    """Write the predictions of some photos in the form of the evaluation's, all of them or none."""
    predicted = classifier.stream(classifier_input(photo_file(root, row["path"])) for row in rows)
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
