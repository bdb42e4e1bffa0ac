"""Loggers that the user adds to a run: those of Lightning for W&B, TensorBoard, MLflow and CSV."""

import re
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities import rank_zero_only

from posture_classifier.callbacks.wandb_report import WandbReport
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

NOT_MADE = re.compile(r"Problem with given class_path '([\w.]+)':\s*(.+)")
"""What jsonargparse says where a class that the user has named raises an error."""


def check_loggers(loggers: list[Logger], callbacks: list[Callback]) -> None:
    """Refuse two reports to W&B: the second would begin its run anew, and log every row twice.

    Raises:
        UserError: There are two.
    """
    reports = [*(each for each in loggers if isinstance(each, WandbLogger)), *(c for c in callbacks if isinstance(c, WandbReport))]
    if len(reports) > 1:
        names = " and ".join(type(report).__name__ for report in reports)
        raise UserError(f"{names} would both report this run to W&B; leave one out (WandbReport, in configs/wandb.yaml, says more)")


@rank_zero_only
def log_configuration(trainer: Trainer, settings: dict[str, Any]) -> None:
    """Give all settings to the loggers that the user has added, as their hyperparameters.

    A W&B run without a name of the user's is called after the run folder, and has the tags that
    ``WandbReport`` gives. The first of the trainer's loggers is our own.

    Raises:
        UserError: A logger cannot be written to.
    """
    own, *foreign = trainer.loggers
    folder = Path(own.log_dir or ".")
    for logger in foreign:
        try:
            if isinstance(logger, WandbLogger):
                _name_wandb_run(logger, folder, settings)
            logger.log_hyperparams(settings | {"run_folder": str(folder.resolve())})
        # Each reaches its own server or disk, and raises errors of its own.
        except Exception as error:
            raise UserError(f"trainer.logger {type(logger).__name__} cannot be written to: {first_line(error)}") from error


def _name_wandb_run(logger: WandbLogger, folder: Path, settings: dict[str, Any]) -> None:
    run = logger.experiment
    root = Path(settings["data"]["root"]).resolve().name
    given = settings["trainer"]["logger"]
    specified = [each for each in (given if isinstance(given, list) else [given]) if isinstance(each, dict)]
    if not any(each["class_path"].endswith("WandbLogger") and each["init_args"]["name"] for each in specified):
        run.name = f"{settings['experiment'] or root}/{folder.name}"
    run.tags = (*(run.tags or ()), *(tag[:64] for tag in (settings["model"]["backbone"], root)))  # W&B refuses longer ones


def describe_unmade(error: BaseException) -> str | None:
    """Say which class of the user's options jsonargparse could not make, and why; else None."""
    cause: BaseException | None = error
    while cause is not None:
        if found := NOT_MADE.search(str(cause)):
            return f"{found[1]} cannot be used: {found[2]}"
        cause = cause.__cause__
    return None
