"""Reads the runs to compare, from run folders and from W&B projects."""

from pathlib import Path

from posture_classifier.runs.names import WANDB_PREFIX
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import TestedRun, read_tested_run
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.paths import matching_paths


def read_runs(names: list[str], wandb_group: str | None = None) -> tuple[list[TestedRun], list[str]]:
    """Read the runs to compare.

    Args:
        names: Run folders, patterns of run folders, or ``wandb:entity/project``.
        wandb_group: Group that the W&B runs must belong to; None takes all.

    Returns:
        The runs with test results; and for each other run, why it has none.

    Raises:
        UserError: A name matches nothing, or a folder is no run.
    """
    remote = [name.removeprefix(WANDB_PREFIX) for name in names if name.startswith(WANDB_PREFIX)]
    if wandb_group and not remote:
        raise UserError(f"--wandb_group {wandb_group} needs {WANDB_PREFIX}entity/project among the runs")
    found: list[TestedRun] = []
    reasons: list[str] = []
    for folder in matching_folders([name for name in names if not name.startswith(WANDB_PREFIX)]):
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


def matching_folders(patterns: list[str]) -> list[Path]:
    """List the folders that patterns match, each once.

    Raises:
        UserError: A pattern matches no folder.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        folders = [path for path in matching_paths(pattern) if path.is_dir()]
        if not folders:
            raise UserError(f"{pattern} matches no folder; give run folders such as 'lightning_logs/*/version_*'")
        found |= dict.fromkeys(folders)
    return list(found)
