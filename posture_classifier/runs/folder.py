"""The folder that a run writes to, ``lightning_logs/<experiment>/version_N``: one for each run."""

import re
from pathlib import Path
from typing import Any

from filelock import BaseFileLock
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only

from posture_classifier.runs.lock import try_lock
from posture_classifier.runs.names import LAST_CHECKPOINT
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import is_temporary

VERSION = "version"


def numbered(experiment: Path, prefix: str) -> list[Path]:
    """The folders ``<prefix>_<N>`` of an experiment, oldest first."""
    found = [path for path in experiment.glob(f"{prefix}_*") if re.fullmatch(rf"{prefix}_\d+", path.name)]
    return sorted(found, key=_number)


def _number(folder: Path) -> int:
    """N of ``<prefix>_<N>``."""
    return int(folder.name.rpartition("_")[2])


def versions(experiment: Path) -> list[Path]:
    """The run folders of an experiment, oldest first."""
    return numbered(experiment, VERSION)


def last_checkpoint(experiment: Path) -> Path:
    """Find ``last.ckpt`` of the newest run of an experiment that has one.

    Raises:
        UserError: No run has one.
    """
    found = [path for run in versions(experiment) if (path := run / "checkpoints" / LAST_CHECKPOINT).is_file()]
    if not found:
        raise UserError(
            f"no run below {experiment} has a checkpoints/{LAST_CHECKPOINT} to resume from; leave --ckpt_path out to start anew"
        )
    return found[-1]


def run_of(checkpoint: Path) -> Path | None:
    """The run folder that a checkpoint lies in; None if it was moved out of one."""
    # A part of the path may be a symbolic link, also the folder of the checkpoints alone.
    for path in (checkpoint.absolute(), checkpoint.resolve()):
        run = path.parent.parent
        if path.parent.name == "checkpoints" and run in versions(run.parent):
            return run
    return None


class RunFolder(CSVLogger):
    """A logger that logs nothing and names the folder that the trainer and its callbacks write to.

    Lightning's own CSV logger deletes the ``metrics.csv`` of a run that is resumed, and writes the
    last row of an epoch after the epoch's checkpoint, so that a kill in between loses it. Here a
    callback writes the file. This is still a CSVLogger, because ``Trainer.log_dir`` is the run's
    folder for such loggers only.

    The folder is locked until ``release`` is called or the process ends.

    Args:
        experiment: Folder that holds the versions.
        resume: Run folder to write to instead of a new one.
    """

    def __init__(self, experiment: Path, resume: Path | None = None) -> None:
        experiment = resume.parent if resume else experiment
        super().__init__(experiment.parent, experiment.name)
        self._lock: BaseFileLock | None = None
        self._run = resume

    def lock(self) -> None:
        """Keep other processes out of a run that is resumed; called once the rank is known.

        What a process was writing there when it was killed is removed.

        Raises:
            UserError: Another process writes to the run.
        """
        if self._lock is None and self._run is not None and _is_first_rank():  # for all ranks of its run
            self._lock = try_lock(self._run)
            if self._lock is None:
                raise UserError(f"another process is training in {self._run}; wait for its end, or stop it first")
            for path in filter(is_temporary, list((self._run / "checkpoints").iterdir())):
                path.unlink()

    def release(self) -> None:
        """Let other processes write to the run."""
        if self._lock is not None:
            self._lock.release()

    @property
    def path(self) -> Path:
        """The run's folder, made when rank 0 first reads this.

        Other ranks learn it from ``Trainer.log_dir``.

        Raises:
            UserError: The folder cannot be made or written to.
        """
        if self._run is None:
            if not _is_first_rank():
                return Path(self.root_dir) / "version_of_rank_0"
            self._run = make_numbered(Path(self.root_dir), VERSION)
            self._lock = try_lock(self._run)
        return self._run

    @property
    def version(self) -> str:
        """Name of the run's folder, such as ``version_0``."""
        return self.path.name

    @property
    def log_dir(self) -> str:
        """The run's folder."""
        return str(self.path)

    @property
    def experiment(self) -> None:
        """Nothing: there is no object that writes."""

    def log_metrics(self, metrics: dict[str, Any], step: int | None = None) -> None:
        """Do nothing; a callback writes ``metrics.csv``."""

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing; ``config.yaml`` holds the hyperparameters."""

    def save(self) -> None:
        """Do nothing; there is nothing to save."""

    def finalize(self, status: str) -> None:
        """Do nothing; there is nothing to finish."""


def _is_first_rank() -> bool:
    return getattr(rank_zero_only, "rank", 0) == 0


def make_numbered(experiment: Path, prefix: str) -> Path:
    """Make the next folder ``<prefix>_<N>`` of an experiment.

    Raises:
        UserError: The experiment's folder cannot be written to.
    """
    try:
        experiment.mkdir(parents=True, exist_ok=True)
        existing = numbered(experiment, prefix)
        number = _number(existing[-1]) + 1 if existing else 0
        while True:
            folder = experiment / f"{prefix}_{number}"
            try:
                folder.mkdir()
            except FileExistsError:
                number += 1  # another process was quicker
            else:
                return folder
    except OSError as error:
        raise UserError(
            f"output folder {experiment} cannot be written to ({error.strerror}); choose another with --trainer.default_root_dir"
        ) from error
