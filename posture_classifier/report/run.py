"""A run folder, read back."""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from posture_classifier.callbacks.metrics_csv import NAME, read_metrics
from posture_classifier.checkpoint import read_checkpoint
from posture_classifier.data.folder import RESERVED
from posture_classifier.errors import UserError
from posture_classifier.evaluation import Predictions
from posture_classifier.inference import Classifier


@dataclass(frozen=True)
class Evaluated:
    """What was predicted of the photos of one split.

    Attributes:
        paths: (N,) relative to the data folder.
        groups: (N,) names.
        predictions: Labels and probabilities.
    """

    paths: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    predictions: Predictions

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def grouped(self) -> bool:
        """Whether any photo shares its group with another."""
        return len(np.unique(self.groups)) < len(self.groups)


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: ``lightning_logs/<experiment>/version_N``.
        summary: Of ``summary.json``.
        settings: Of ``config.yaml``.
        epochs: Rows of ``metrics.csv``; none where nothing was trained, as by ``test``.
        split_rows: Rows of ``split.csv``.
        evaluated: Predictions of the photos that the summary is about.
    """

    folder: Path
    summary: dict[str, Any]
    settings: dict[str, Any]
    epochs: list[dict[str, str]]
    split_rows: list[dict[str, str]]
    evaluated: Evaluated

    @property
    def name(self) -> str:
        """``demo/version_0``."""
        return "/".join(self.folder.resolve().parts[-2:])

    @property
    def classes(self) -> list[str]:
        """Names in the order of the labels."""
        return list(self.summary["classes"])

    @property
    def root(self) -> Path:
        """The folder of its photos; they may no longer be there."""
        return Path(self.settings["data"]["root"])

    @property
    def checkpoint(self) -> Path:
        """Its best epoch; it may no longer be there."""
        return self.folder / "checkpoints" / "best.ckpt"

    @cached_property
    def classifier(self) -> Classifier | None:
        """Its best epoch, loaded; None where the checkpoint is gone."""
        return Classifier.of(self.content) if self.content else None

    @cached_property
    def content(self) -> dict[str, Any]:
        """All that its checkpoint holds; nothing where that is gone."""
        return read_checkpoint(self.checkpoint) if self.checkpoint.is_file() else {}

    def of(self, split: str) -> list[dict[str, str]]:
        """Rows of ``split.csv``."""
        return [row for row in self.split_rows if row["split"] == split]

    @cached_property
    def photos_are_there(self) -> bool:
        """Whether all that was evaluated still lies where it did."""
        return all((self.root / path).is_file() for path in self.evaluated.paths.tolist())


def read_run(folder: Path) -> Run:
    """Read the folder of a finished run.

    Raises:
        UserError: It is no run folder, the run was stopped before its end, or a file of it is damaged.
    """
    if not (folder / "config.yaml").is_file():
        raise UserError(f"{folder} is not the folder of a run; expected lightning_logs/<experiment>/version_N")
    if not (folder / "summary.json").is_file():
        raise UserError(
            f"{folder} has no summary.json: the run was stopped before its evaluation; go on with fit --ckpt_path last, and the "
            "options it was started with"
        )
    try:
        summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        split_rows = _rows(folder / "split.csv")
        evaluated = read_predictions(folder / summary["split"] / "predictions.csv")
        return Run(folder, summary, settings, read_metrics(folder / NAME), split_rows, evaluated)
    except FileNotFoundError as error:
        raise UserError(f"{error.filename} is missing; a report needs the run folder as the run left it") from error
    except (ValueError, KeyError, IndexError, TypeError, yaml.YAMLError) as error:
        raise UserError(f"a file in {folder} is damaged ({error}); a report needs the run folder as the run left it") from error


def read_predictions(path: Path) -> Evaluated:
    """Read a ``predictions.csv``."""
    rows = _rows(path)
    classes = [name for name in rows[0] if name not in RESERVED]
    labels = np.array([classes.index(row["label"]) for row in rows], dtype=np.int64)
    probabilities = np.array([[float(row[name]) for name in classes] for row in rows])
    predictions = Predictions(np.arange(len(rows)), labels, probabilities)
    return Evaluated(np.array([row["path"] for row in rows]), np.array([row["group"] for row in rows]), predictions)


def validation(run: Run) -> Evaluated | None:
    """What the best epoch says of the validation photos, predicted and kept in ``val/predictions.csv`` if it is not yet.

    None where the run has no such photos apart from those that it was evaluated on, or they or the checkpoint are gone.
    """
    path = run.folder / "val" / "predictions.csv"
    if run.summary["split"] == "val":
        return None
    if not path.is_file():
        rows = run.of("val")
        if run.classifier is None or not rows or not all((run.root / row["path"]).is_file() for row in rows):
            return None
        _predict(run.classifier, run.root, rows, path)
    return read_predictions(path)


def _predict(classifier: Classifier, root: Path, rows: list[dict[str, str]], path: Path) -> None:
    """Write the predictions of some photos in the form of the evaluation's."""
    predicted = classifier.predict([root / row["path"] for row in rows])
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "group", "label", *classifier.class_names])
        for row, prediction in zip(rows, predicted, strict=True):
            if prediction.probabilities is not None:
                values = (f"{prediction.probabilities[name]:.9g}" for name in classifier.class_names)
                writer.writerow([row["path"], row["group"], row["label"], *values])


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
