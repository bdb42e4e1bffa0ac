"""What every engine for a series of trainings has in common, and the simplest of them."""

import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from posture_classifier.runs.names import LAST_CHECKPOINT
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

LOG = "fit.log"
GPU_ACCELERATORS = ("auto", "gpu", "cuda")
"""Values of ``trainer.accelerator`` with which a training takes a GPU of CUDA, if there is one."""

Began = Callable[["Training", str], None]
"""Told that a training begins, and where: ``on GPU 0``, or nothing where there is but one place."""
Ended = Callable[["Training", str | None], None]
"""Told that a training has ended, and why it failed, if it did."""


@dataclass(frozen=True)
class Training:
    """One training of a series, which may have been stopped before.

    Nothing here needs torch: Ray's workers read it, and the training is a process of its own.

    Attributes:
        name: Path of its runs below the folder of the series, which names it.
        folder: Folder of its runs.
        options: Options of ``fit`` that begin it.

    Example:
        >>> Training("fold_0", Path("crossval_0/fold_0"), ["--data.fold", "0"]).words
        ['fit', '--data.fold', '0']
    """

    name: str
    folder: Path
    options: list[str]

    @property
    def log(self) -> Path:
        """The file for what it prints."""
        return self.folder / LOG

    @property
    def words(self) -> list[str]:
        """The command that begins it or, where an epoch had ended, resumes it."""
        stopped = any(self.folder.glob(f"version_*/checkpoints/{LAST_CHECKPOINT}"))
        return ["fit", *self.options, *(["--ckpt_path", "last"] if stopped else [])]


def write_failure(training: Training, error: Exception) -> str:
    """Describe in a sentence why a training failed; what nobody foresaw is added to its log."""
    if isinstance(error, UserError):
        return str(error)
    with training.log.open("a", encoding="utf-8") as log:
        log.write("".join(traceback.format_exception(error)))
    return f"{type(error).__name__}: {first_line(error)} (all of it is in {training.log})"


class Engine(Protocol):
    """Carries out trainings, each of which is an ordinary ``fit``."""

    def run(self, trainings: Sequence[Training], began: Began, ended: Ended) -> None:
        """Carry out all trainings; one that fails does not stop the others.

        If the program is stopped, running trainings end with their newest epoch written, and
        waiting ones do not begin.

        Args:
            trainings: What is to be done, in the order in which it should begin.
            began: Called when a training begins, in any thread.
            ended: Called when it has ended, in any thread.
        """


@dataclass(frozen=True)
class InOrder:
    """Carries out one training after the other in this process.

    Attributes:
        fit: Trains, and returns a sentence if that failed; what it raises ends the series.
    """

    fit: Callable[[Training], str | None]

    def run(self, trainings: Iterable[Training], began: Began, ended: Ended) -> None:
        """Carry out all trainings."""
        for training in trainings:
            began(training, "")
            ended(training, self.fit(training))
