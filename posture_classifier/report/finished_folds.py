"""Reads the folder of a cross-validation whose folds are finished."""

import json
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.report.finished_run import FinishedRun, read_finished_run
from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_settings, sum_near_copies
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size, plural


@dataclass(frozen=True)
class FinishedFolds(Evaluated):
    """The predictions of all folds, in which each photo occurs once.

    Attributes:
        runs: The run of each fold, by the fold's number; one that was removed is missing.
        meaning: How far folds at random flatter, in words; empty where they were not tried.
        final: Path of the final network's run folder, and its number of epochs; None if there is
            none.
    """

    runs: dict[int, FinishedRun]
    meaning: str
    final: tuple[Path, int] | None

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return len(self.evaluated.fold_numbers)

    @property
    def near_copies(self) -> NearCopies | None:
        """How many photos have a near-copy among those that their fold learnt from, where known."""
        return sum_near_copies([run.folder for run in self.runs.values()]) if self.is_complete else None

    @property
    def is_complete(self) -> bool:
        """Whether the runs of all folds are there."""
        return len(self.runs) == self.n_folds

    @property
    def how_tested(self) -> str:
        """A sentence that says who was tested."""
        who = "their group" if self.evaluated.grouped else "them"
        return (
            f"Each of these {describe_size(self.summary)} was tested once, by that one of {plural(self.n_folds, 'network')} which "
            f"had not seen {who}. The intervals are drawn over groups."
        )

    def by_network(self, photos: list[int]) -> list[tuple[Evaluated, list[int]]]:
        """Divide photos, given by their numbers, by the network that predicted them."""
        folds = self.evaluated.folds
        assert folds is not None
        divided: list[tuple[Evaluated, list[int]]] = []
        for fold in sorted({int(folds[photo]) for photo in photos}):
            run = self.runs.get(fold)
            network = self if run is None else replace(run, evaluated=self.evaluated)
            divided.append((network, [photo for photo in photos if folds[photo] == fold]))
        return divided


def is_cross_validation(folder: Path) -> bool:
    """Whether a folder is that of a cross-validation, finished or not."""
    return (folder / SETTINGS_YAML).is_file()


def read_finished_folds(folder: Path, summary: dict[str, Any] | None = None) -> FinishedFolds:
    """Read the folder of a cross-validation, ``lightning_logs/<experiment>/crossval_N``.

    ``summary`` is what its ``summary.json`` will hold, before it is there.

    Raises:
        UserError: Some folds are not finished, or a file is damaged.
    """
    if not (folder / PREDICTIONS_CSV).is_file():
        raise UserError(f"{folder} has no {PREDICTIONS_CSV}: it was stopped or still runs; the same crossval command goes on")
    table = read_prediction_table(folder / PREDICTIONS_CSV)
    if table.folds is None:
        raise UserError(f"{folder / PREDICTIONS_CSV} has no column fold; a report needs the folder as crossval left it")
    settings = read_settings(folder / SETTINGS_YAML)
    summary = _read_summary(folder / SUMMARY_JSON) if summary is None else summary
    told = {
        "split": "test",
        "images": len(table),
        "groups": len(np.unique(table.groups)) if table.grouped else None,
        "classes": table.classes,
        "seed": settings.get("seed_everything") or 0,
        "backbone": settings["model"]["backbone"],
    }
    final = summary.get("final")
    return FinishedFolds(
        folder,
        told,
        settings,
        table,
        _read_runs(folder, table),
        str(summary.get("meaning", "")),
        (Path(final["run"]), int(final["epochs"])) if final else None,
    )


def _read_summary(path: Path) -> dict[str, Any]:
    """Content of ``summary.json``; empty where there is none yet."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        final = content.get("final")
        if final is not None:
            _ = Path(final["run"]), int(final["epochs"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path} is damaged; a report needs the folder as crossval left it") from error
    result: dict[str, Any] = content
    return result


def _read_runs(folder: Path, table: PredictionTable) -> dict[int, FinishedRun]:
    """The finished run of each fold, as far as it is still there."""
    runs: dict[int, FinishedRun] = {}
    for fold in table.fold_numbers:
        for version in versions(folder / f"fold_{fold}"):
            with suppress(UserError):  # a version that was stopped, or of which parts were removed
                runs[fold] = read_finished_run(version)
    return runs
