"""Reads runs from Weights & Biases: their settings, and the files that ``WandbReport`` sent.

Imported only where such a run is asked for, since this imports wandb.
"""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import wandb
import yaml
from wandb.apis.public import Run as RemoteRun

from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, PREDICTIONS_CSV, SPLIT_CSV, WANDB_PREFIX
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import TestedRun, read_tested_run
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

TABLE = f"test/{PREDICTIONS_CSV}"
FILES = (TABLE, SPLIT_CSV, METRICS_CSV)
TIMEOUT = 20
"""Seconds to wait for W&B's server."""


def read_project(project: str, group: str | None) -> tuple[list[TestedRun], list[str]]:
    """Read the runs of a project.

    Args:
        project: ``entity/project``, or ``project`` of the default entity.
        group: Group that the runs must belong to; None takes all.

    Returns:
        The runs with test results; and for each other run, why it has none.

    Raises:
        UserError: W&B cannot be reached, refuses, or has no such runs.
    """
    where = f"{WANDB_PREFIX}{project}" + (f", group {group}" if group else "")
    found: list[TestedRun] = []
    reasons: list[str] = []
    try:
        for run in _api().runs(project, {"group": group} if group else {}):
            try:
                found.append(_read(run, project))
            except NotTestedError as error:
                reasons.append(str(error))
    except Exception as error:
        # A missing project is a ValueError, what requests raises is an OSError, and wandb has
        # errors of several kinds.
        if not isinstance(error, (OSError, ValueError)) and type(error).__module__.partition(".")[0] != "wandb":
            raise
        raise UserError(f"{where} cannot be read ({first_line(error)}); run wandb login, or compare run folders") from error
    if not found and not reasons:
        raise UserError(f"{where} has no runs; look at the names of entity, project and group")
    return found, reasons


def _api() -> wandb.Api:
    os.environ.setdefault("WANDB_SILENT", "true")
    return wandb.Api(timeout=TIMEOUT)


def _read(run: RemoteRun, project: str) -> TestedRun:
    """Fetch a run's files into a folder, and read that as a run folder."""
    name = f"{WANDB_PREFIX}{project}/{run.name}"
    with tempfile.TemporaryDirectory() as folder:
        for file in run.files(names=list(FILES)):
            file.download(root=folder)
        if not Path(folder, TABLE).is_file():
            raise NotTestedError(
                f"{name} has no {TABLE} in W&B: it was stopped, is still running, or keeps the names of photos on its machine; "
                "give its run folder"
            )
        Path(folder, CONFIG_YAML).write_text(yaml.safe_dump(dict(run.config)), encoding="utf-8")
        return replace(read_tested_run(Path(folder)), name=name, experiment=run.group or project)
