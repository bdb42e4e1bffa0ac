"""What is reviewed: a folder of photos, and what a network that was tested on them said."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posture_classifier.app.workplace import Workplace
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import CONFIG_YAML, PREDICTIONS_CSV, SETTINGS_YAML
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_settings
from posture_classifier.utils.errors import UserError

FIXES = "fixes.csv"


@dataclass(frozen=True)
class Source:
    """What is reviewed.

    Attributes:
        root: Folder of the photos, which all paths are relative to.
        fixes: The file that decisions are written to.
        run: Folder of the run or of the cross-validation; None where there is none.
        settings: The settings of its training.
        tables: What its networks said, by ``test``, ``val`` or ``folds``.
    """

    root: Path
    fixes: Path
    run: Path | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, PredictionTable] = field(default_factory=dict)

    @property
    def is_crossval(self) -> bool:
        """Whether a cross-validation is reviewed."""
        return self.run is not None and (self.run / SETTINGS_YAML).is_file()

    @property
    def table(self) -> Path | None:
        """The table that lists the photos; None where they lie in class folders."""
        return Path(self.data["table"]) if self.data.get("table") else None

    @property
    def data(self) -> dict[str, Any]:
        """The settings about photos."""
        found: dict[str, Any] = self.settings.get("data", {})
        return found


def find_source(workplace: Workplace) -> Source:
    """Find out what is to be reviewed.

    Raises:
        UserError: There are no photos, the files of the run are damaged, or decisions cannot be
            written beside the photos.
    """
    run = workplace.run or (run_of(workplace.checkpoint) if workplace.checkpoint else None)
    settings, tables = ({}, {}) if run is None else _read_run(run)
    root = Path(settings["data"]["root"]) if settings else workplace.folder
    if root is None:
        raise UserError("a review needs photos; start app with a folder of photos, or with the folder of a run")
    if not root.is_dir():
        raise UserError(f"the photos of {run} are no longer below {root}; start app where that folder is")
    fixes = workplace.fixes or root / FIXES
    if not os.access(fixes if fixes.exists() else fixes.parent, os.W_OK):
        raise UserError(f"{fixes} cannot be written to; start app with --fixes and a file somewhere else")
    return Source(root, fixes, run, settings, tables)


def _read_run(run: Path) -> tuple[dict[str, Any], dict[str, PredictionTable]]:
    if (run / SETTINGS_YAML).is_file():
        settings, files = read_settings(run / SETTINGS_YAML), {"folds": run / PREDICTIONS_CSV}
    else:
        settings = read_settings(run / CONFIG_YAML)
        files = {split: run / split / PREDICTIONS_CSV for split in ("test", "val")}
    return settings, {split: read_prediction_table(file) for split, file in files.items() if file.is_file()}
