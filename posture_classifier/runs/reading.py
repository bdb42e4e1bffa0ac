"""Runs as ``fit`` and ``crossval`` leave them: settings, test predictions and learning curves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, PREDICTIONS_CSV, SETTINGS_YAML, SPLIT_CSV
from posture_classifier.runs.predictions import NotTestedError, PredictionTable, read_prediction_table
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows

SECTIONS = ("seed_everything", "trainer", "model", "data", "experiment", "precision", "unfreezing", "cache", "ckpt_path")
"""Of the settings; W&B keeps facts beside them."""


@dataclass(frozen=True)
class TestedRun:
    """A training whose network was tested; a whole cross-validation counts as one.

    Attributes:
        name: Its folder, or where it is in W&B.
        experiment: That it belongs to.
        settings: Of ``fit``, whole.
        tested: What it said about the test photos.
        curves: One or, of a cross-validation, several lists of ``metrics.csv`` rows.
        split: Of all photos into those for training, validation and test, as written; None if it is not known.
    """

    name: str
    experiment: str
    settings: dict[str, Any]
    tested: PredictionTable
    curves: list[list[dict[str, str]]]
    split: bytes | None

    @property
    def seconds(self) -> float | None:
        """That training took, validation included; None if nothing was noted."""
        noted = [float(row["seconds"]) for rows in self.curves for row in rows]
        return sum(noted) if noted else None


def read_tested_run(folder: Path) -> TestedRun:
    """Read a run folder of ``fit`` or ``crossval``, or an offline folder of W&B within one.

    Raises:
        NotTestedError: It holds no test results.
        UserError: It is no such folder.
    """
    if folder.resolve().parent.name == "wandb":
        folder = folder.resolve().parent.parent
    crossval = (folder / SETTINGS_YAML).is_file()
    if not crossval and not (folder / CONFIG_YAML).is_file():
        # Of an experiment, or of a search.
        inside = next((pattern for pattern in ("version_*", "*/version_*") if any(folder.glob(pattern))), None)
        hint = f"give its runs as '{folder}/{inside}'" if inside else "give what fit or crossval wrote"
        raise UserError(f"{folder} is no run folder, since it has no {CONFIG_YAML}; {hint}")
    predictions = folder / PREDICTIONS_CSV if crossval else folder / "test" / PREDICTIONS_CSV
    if not predictions.is_file():
        raise NotTestedError(f"{folder} has no test results ({predictions.relative_to(folder)}): {_why(folder, crossval)}")
    folds = sorted(folder.glob(f"fold_*/version_*/{METRICS_CSV}"))
    split = folder / SPLIT_CSV
    return TestedRun(
        name=str(folder),
        experiment=folder.resolve().parent.name,
        settings=read_settings(folder / (SETTINGS_YAML if crossval else CONFIG_YAML)),
        tested=read_predictions(predictions, split),
        curves=[read_rows(path) for path in (folds if crossval else [folder / METRICS_CSV])],
        split=split.read_bytes() if split.is_file() else None,
    )


def _why(folder: Path, crossval: bool) -> str:
    if crossval:
        return "it was stopped or goes on still; the same crossval command takes it up"
    if (folder / "val" / PREDICTIONS_CSV).is_file():
        return "it was tested on validation photos, by which its best epoch was chosen"
    return "it was stopped or goes on still; fit --ckpt_path last takes it up"


def read_settings(path: Path) -> dict[str, Any]:
    """A YAML file of settings.

    Raises:
        UserError: It is none.
    """
    try:
        # In C ten times as fast, where it is there.
        settings = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as YAML; leave its run out") from error
    if isinstance(settings, dict):
        settings = settings.get("fit", settings)  # crossval writes the command, too
    if not isinstance(settings, dict) or not {"model", "data"} <= settings.keys():
        raise UserError(f"{path} holds no settings of fit; leave its run out")
    return {key: value for key, value in settings.items() if key in SECTIONS}


def read_predictions(path: Path, split: Path) -> PredictionTable:
    """A table of predictions of all photos that a split would test.

    Raises:
        NotTestedError: It holds less, as when a run was killed while it wrote.
    """
    result = read_prediction_table(path)
    tested = sum(row["split"] == "test" for row in read_rows(split))
    if tested and len(result) < tested:
        raise NotTestedError(
            f"{path} holds {len(result)} of {tested} test photos; test all of them, without trainer.limit_test_batches"
        )
    return result
