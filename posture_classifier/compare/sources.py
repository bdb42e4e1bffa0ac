"""Reads the runs that names, patterns and W&B projects stand for."""

import glob
from pathlib import Path

from posture_classifier.runs.names import WANDB_PREFIX
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import TestedRun, read_tested_run
from posture_classifier.utils.errors import UserError


def read_all(names: list[str], wandb_group: str | None = None) -> tuple[list[TestedRun], list[str]]:
    """Read what names and patterns stand for.

    Args:
        names: Run folders, patterns of them, or ``wandb:entity/project``.
        wandb_group: Of W&B runs, those of this group.

    Returns:
        The runs; and why others have no test results.

    Raises:
        UserError: A name stands for nothing, or a folder is no run.
    """
    remote = [name.removeprefix(WANDB_PREFIX) for name in names if name.startswith(WANDB_PREFIX)]
    if wandb_group and not remote:
        raise UserError(f"--wandb_group {wandb_group} needs {WANDB_PREFIX}entity/project among the runs")
    found: list[TestedRun] = []
    reasons: list[str] = []
    for folder in expand([name for name in names if not name.startswith(WANDB_PREFIX)]):
        try:
            found.append(read_tested_run(folder))
        except NotTestedError as error:
            reasons.append(str(error))
    for project in remote:
        from posture_classifier.compare.wandb_runs import read_project

        runs, untested = read_project(project, wandb_group)
        found += runs
        reasons += untested
    return found, reasons


def expand(patterns: list[str]) -> list[Path]:
    """The folders that names and patterns stand for, each once.

    Raises:
        UserError: One matches no folder.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        folders = [path for name in sorted(glob.glob(pattern, recursive=True)) if (path := Path(name)).is_dir()]
        if not folders:
            raise UserError(f"{pattern} matches no folder; give run folders such as 'lightning_logs/*/version_*'")
        found |= dict.fromkeys(folders)
    return list(found)
