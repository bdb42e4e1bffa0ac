"""Callbacks that record a training, or end it."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.training.checkpoint_io import RunCheckpointIO


class KillOnce(Callback):
    """Kills its own process with SIGKILL in the second epoch of one of several trainings.

    Args:
        diary: A file that gets a line in the second epoch of each training; several processes may
            share it.
        training: The training, from 1.
    """

    def __init__(self, diary: str, training: int = 2) -> None:
        self.diary, self.training = Path(diary), training

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == 1:
            with self.diary.open("a") as file:
                file.write("here\n")
            if len(self.diary.read_text().splitlines()) == self.training:
                os.kill(os.getpid(), signal.SIGKILL)


class DividesByZero(Callback):
    """Fails in a way that nobody foresaw."""

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        _ = 1 // trainer.current_epoch


class RemovesPhoto(Callback):
    """Removes a photo after the first epoch.

    Args:
        path: The photo.
    """

    def __init__(self, path: str) -> None:
        self.path = Path(path)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.path.unlink(missing_ok=True)


class Killer(Callback):
    """Kills its own process with SIGKILL at the start of a batch.

    Args:
        epoch: Epoch of that batch.
        batch: Number of that batch in its epoch.
        pause: Seconds between two checkpoints until then.
    """

    def __init__(self, epoch: int, batch: int, pause: float = 0.0) -> None:
        self.epoch, self.batch, self.pause = epoch, batch, pause

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        checkpoint_io = trainer.strategy.checkpoint_io
        assert isinstance(checkpoint_io, RunCheckpointIO)
        checkpoint_io.pause = self.pause

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if (trainer.current_epoch, batch_idx) == (self.epoch, self.batch):
            os.kill(os.getpid(), signal.SIGKILL)


class Accident(Callback):
    """Signals its own process at the start of an epoch, or fails there.

    It does not in a job that SLURM has started again.

    Args:
        epoch: The epoch.
        number: Number of the signal; 0 raises an error instead.
        rank: The rank that it happens to.
    """

    def __init__(self, epoch: int, number: int = 0, rank: int = 0) -> None:
        self.epoch, self.number, self.rank = epoch, number, rank

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if (trainer.current_epoch, trainer.global_rank) == (self.epoch, self.rank) and "SLURM_RESTART_COUNT" not in os.environ:
            if not self.number:
                raise LookupError("an accident")
            os.kill(os.getpid(), self.number)


class Recorder(Callback):
    """Records the weights and buffers at the start and after every epoch."""

    states: list[dict[str, Tensor]] = []  # noqa: RUF012 - the program makes the instance, the test reads the class

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.states.clear()
        self._record(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(pl_module)

    def _record(self, model: LightningModule) -> None:
        assert isinstance(model, PostureClassifier)
        self.states.append({name: value.clone() for name, value in model.backbone.state_dict().items()})


RECORD = ["--trainer.callbacks", "[tests.helpers.callbacks.Recorder]"]


def moved(epoch: int) -> set[str]:
    """Names of the top-level modules whose parameters or buffers changed in an epoch."""
    before, after = Recorder.states[epoch], Recorder.states[epoch + 1]
    return {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}


class Pause(Callback):
    """Waits at the end of the second epoch for a file ``go``, and leaves one that it was there.

    Args:
        folder: Folder of these files.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.current_epoch == 1:
            assert trainer.log_dir is not None
            (self.folder / f"{Path(trainer.log_dir).parent.name}.there").touch()
            while not (self.folder / "go").exists():
                time.sleep(0.1)
