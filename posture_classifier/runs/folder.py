"""Where a run writes: ``lightning_logs/<experiment>/version_N``, one folder a run, never another's."""

import re
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

from posture_classifier.utils.errors import UserError

VERSION = "version"


def numbered(experiment: Path, prefix: str) -> list[Path]:
    """The folders ``<prefix>_<N>`` of an experiment, oldest first."""
    found = [
        (int(match[1]), path) for path in experiment.glob(f"{prefix}_*") if (match := re.fullmatch(rf"{prefix}_(\d+)", path.name))
    ]
    return [path for _, path in sorted(found)]


def versions(experiment: Path) -> list[Path]:
    """The run folders of an experiment, oldest first."""
    return numbered(experiment, VERSION)


def last_checkpoint(experiment: Path) -> Path:
    """``last.ckpt`` of the newest run of an experiment that has one.

    Raises:
        UserError: There is none.
    """
    found = [path for run in versions(experiment) if (path := run / "checkpoints" / "last.ckpt").is_file()]
    if not found:
        raise UserError(f"no run below {experiment} has a checkpoints/last.ckpt to go on from; leave --ckpt_path out to start anew")
    return found[-1]


def run_of(checkpoint: Path) -> Path | None:
    """The run folder that a checkpoint lies in, unless it was moved out of one."""
    run = checkpoint.resolve().parent.parent
    return run if checkpoint.resolve().parent.name == "checkpoints" and run in versions(run.parent) else None


class RunFolder(CSVLogger):
    """Lightning's first logger, whose folder the trainer and its callbacks write into; it logs nothing itself.

    Lightning's own CSV logger deletes the ``metrics.csv`` of a run that is resumed, and writes the last row of an epoch after the
    epoch's checkpoint, so that a kill in between loses it. Here a callback writes the file. This is a CSVLogger still, because
    ``Trainer.log_dir`` is the run's folder for such loggers only.

    Args:
        experiment: Folder that holds the versions.
        resume: A run folder to go on in, rather than a new one.
    """

    def __init__(self, experiment: Path, resume: Path | None = None) -> None:
        experiment = resume.parent if resume else experiment
        super().__init__(experiment.parent, experiment.name)
        self._run = resume

    @property
    def path(self) -> Path:
        """The run's folder, made when rank 0 first asks for it; ``Trainer.log_dir`` tells the other ranks.

        Raises:
            UserError: It cannot be made or written to.
        """
        if self._run is None:
            if getattr(rank_zero_only, "rank", 0) != 0:
                return Path(self.root_dir) / "version_of_rank_0"
            self._run = make_numbered(Path(self.root_dir), VERSION)
        return self._run

    @property
    def version(self) -> str:
        """The run, such as ``version_0``."""
        return self.path.name

    @property
    def log_dir(self) -> str:
        """The run's folder."""
        return str(self.path)

    @property
    def experiment(self) -> None:
        """No writer."""

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Nothing; a callback writes ``metrics.csv``."""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing; ``config.yaml`` holds them."""

    def save(self) -> None:
        """Nothing to save."""

    def finalize(self, status: str) -> None:
        """Nothing to finish."""


def make_numbered(experiment: Path, prefix: str) -> Path:
    """Make the next folder ``<prefix>_<N>`` of an experiment.

    Raises:
        UserError: It cannot be written to.
    """
    try:
        experiment.mkdir(parents=True, exist_ok=True)
        existing = numbered(experiment, prefix)
        number = len(existing) and int(existing[-1].name.removeprefix(f"{prefix}_")) + 1
        while True:
            run = experiment / f"{prefix}_{number}"
            try:
                run.mkdir()
            except FileExistsError:
                number += 1  # another process was quicker
            else:
                return run
    except OSError as error:
        raise UserError(
            f"output folder {experiment} cannot be written to ({error.strerror}); choose another with --trainer.default_root_dir"
        ) from error
