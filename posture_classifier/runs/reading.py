"""Reads the settings, predictions and learning curves that ``fit`` and ``crossval`` leave."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, NotRequired

import yaml
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.images.preprocessing import LARGEST_SIDE
from posture_classifier.models.checkpoint import Count
from posture_classifier.models.precision import Precision
from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, PREDICTIONS_CSV, SETTINGS_YAML, SPLIT_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import NotTestedError, PredictionTable, read_prediction_table
from posture_classifier.runs.tables import read_curves, read_split_rows
from posture_classifier.utils import bounded_yaml
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.validation import mismatch

SECTIONS = ("seed_everything", "trainer", "model", "data", "experiment", "precision", "unfreezing", "cache", "ckpt_path")
"""Keys of the settings that are read; W&B stores other facts beside them."""


class _Model(TypedDict):
    backbone: str
    image_size: NotRequired[Annotated[int, Field(ge=1, le=LARGEST_SIDE)] | None]


class _Data(TypedDict):
    root: str
    split: NotRequired[str | None]
    batch_size: NotRequired[Annotated[int, Field(ge=1, le=10**6)]]
    folds: NotRequired[int | None]
    fold: NotRequired[int | None]


class _Settings(TypedDict):
    model: _Model
    data: _Data
    seed_everything: NotRequired[int | None]
    precision: NotRequired[Precision]
    trainer: NotRequired[dict[str, Any]]


class _NearCopies(TypedDict):
    images: Count
    known: Count
    of: Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class TestedRun:
    """A training whose network was tested; a whole cross-validation counts as one.

    Attributes:
        name: Path of its folder, or its place in W&B.
        experiment: Name of the experiment that it belongs to.
        settings: All settings of ``fit``.
        tested: Predictions of the test photos.
        curves: Rows of ``metrics.csv``: one list of them or, for a cross-validation, one per fold.
        split: Content of ``split.csv``; None if there is no such file.
        near_copies: How many test photos have a near-copy among those learnt from, where known.
    """

    name: str
    experiment: str
    settings: dict[str, Any]
    tested: PredictionTable
    curves: list[list[dict[str, str]]]
    split: bytes | None
    near_copies: NearCopies | None = None

    @property
    def seconds(self) -> float | None:
        """Seconds that training took, validation included; None if there are no learning curves."""
        seconds = [float(row["seconds"]) for rows in self.curves for row in rows]
        return sum(seconds) if seconds else None


def read_tested_run(folder: Path) -> TestedRun:
    """Read a run folder of ``fit`` or ``crossval``, or an offline folder of W&B within one.

    Raises:
        NotTestedError: The folder holds no complete test results.
        UserError: The folder is none of these.
    """
    if folder.resolve().parent.name == "wandb":
        folder = folder.resolve().parent.parent
    crossval = (folder / SETTINGS_YAML).is_file()
    if not crossval and not (folder / CONFIG_YAML).is_file():
        # It may be the folder of an experiment or of a search.
        inside = next((pattern for pattern in ("version_*", "*/version_*") if any(folder.glob(pattern))), None)
        hint = f"give its runs as '{folder}/{inside}'" if inside else "give what fit or crossval wrote"
        raise UserError(f"{folder} is no run folder, since it has no {CONFIG_YAML}; {hint}")
    predictions = folder / PREDICTIONS_CSV if crossval else folder / "test" / PREDICTIONS_CSV
    if not predictions.is_file():
        raise NotTestedError(
            f"{folder} has no test results ({predictions.relative_to(folder)}): {_why_not_tested(folder, crossval)}"
        )
    folds = sorted(folder.glob(f"fold_*/version_*/{METRICS_CSV}"))
    split = folder / SPLIT_CSV
    return TestedRun(
        name=str(folder),
        experiment=folder.resolve().parent.name,
        settings=read_settings(folder / (SETTINGS_YAML if crossval else CONFIG_YAML)),
        tested=read_predictions(predictions, split),
        curves=[read_curves(path) for path in (folds if crossval else [folder / METRICS_CSV])],
        split=split.read_bytes() if split.is_file() else None,
        near_copies=read_near_copies(folder),
    )


def read_summary(run: Path) -> dict[str, Any]:
    """Content of ``summary.json`` of a run; empty where there is none, or it is damaged."""
    try:
        summary = json.loads((run / SUMMARY_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return summary if isinstance(summary, dict) else {}


def read_near_copies(run: Path) -> NearCopies | None:
    """Read how many evaluated photos have a near-copy; None if the run did not note it."""
    found = read_summary(run).get("near_copies")  # an earlier version did not note it
    return None if found is None or mismatch(found, _NearCopies) else NearCopies(**found)


def sum_near_copies(runs: list[Path]) -> NearCopies | None:
    """Add up the photos with near-copies of several runs; None if one of them did not note them."""
    counts = [read_near_copies(run) for run in runs]
    known = [count for count in counts if count is not None]
    return NearCopies(*(sum(column) for column in zip(*known, strict=True))) if 0 < len(known) == len(counts) else None


def _why_not_tested(folder: Path, crossval: bool) -> str:
    if crossval:
        return "it was stopped or is still running; the same crossval command resumes it"
    if read_summary(folder).get("split", "not at its end") is None:
        return "it was trained on all photos"
    if (folder / "val" / PREDICTIONS_CSV).is_file():
        return "it was tested on validation photos, by which its best epoch was chosen"
    return "it was stopped or is still running; fit --ckpt_path last resumes it"


def read_settings(path: Path) -> dict[str, Any]:
    """Read the settings of ``fit`` from a YAML file.

    Raises:
        UserError: The file is no YAML, or holds other things.
    """
    try:
        settings = bounded_yaml.load(path.read_text(encoding="utf-8"))
    # PyYAML raises others on dates and numbers that are none.
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read as YAML; leave its run out") from error
    if isinstance(settings, dict):
        settings = settings.get("fit", settings)  # crossval writes the command, too
    if not isinstance(settings, dict) or not {"model", "data"} <= settings.keys():
        raise UserError(f"{path} holds no settings of fit; leave its run out")
    if reason := mismatch(settings, _Settings):
        raise UserError(f"{path} is not as fit wrote it ({reason}); leave its run out")
    return {key: value for key, value in settings.items() if key in SECTIONS}


def read_predictions(path: Path, split: Path) -> PredictionTable:
    """Read a table of predictions of all test photos.

    Args:
        path: File of the predictions.
        split: File of the split; where it is missing, any number of photos will do.

    Raises:
        NotTestedError: The table holds fewer photos than the split has for testing.
    """
    table = read_prediction_table(path)
    expected = sum(row["split"] == "test" for row in read_split_rows(split))
    if expected and len(table) < expected:
        raise NotTestedError(
            f"{path} holds {len(table)} of {expected} test photos; test all of them, without trainer.limit_test_batches"
        )
    return table
