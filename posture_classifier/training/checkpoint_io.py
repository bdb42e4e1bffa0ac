"""Writes checkpoints whole or not at all, and not too often."""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from posture_classifier.models.checkpoint import load_plain
from posture_classifier.runs.names import BEST_CHECKPOINT, LAST_CHECKPOINT
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside the old file and then replaces it.

    A kill or a full disk leaves the old file as it was. Lightning's own transaction writes to the
    system's temporary folder, from where the move is a copy if that folder is on another disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write a temporary file in the same folder, flush it to the disk, and rename it.

        Raises:
            UserError: The disk is full or the folder cannot be written to.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(path) as temporary:
                torch.save(checkpoint, temporary)
        # torch reports a failed write of its archive as RuntimeError.
        except (OSError, RuntimeError) as error:
            raise UserError(
                f"checkpoint {path} could not be written ({_first_cause(error)}); the previous one, if any, is still there: "
                "free some space, then resume with --ckpt_path last"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Callable[..., Any] | None = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read tensors and plain values only, whatever the caller passes as ``weights_only``."""
        checkpoint: dict[str, Any] = load_plain(path)
        return checkpoint

    def remove_checkpoint(self, path: str | Path) -> None:
        """Remove a file; Lightning's own removes a folder with all that is in it, too."""
        Path(path).unlink(missing_ok=True)


class RunCheckpointIO(AtomicCheckpointIO):
    """Writes a run's own checkpoints at most every few seconds.

    On cached features an epoch takes less time than writing its checkpoint. So the newest of each
    checkpoint is held in memory, until enough time has passed or until the run ends, fails or is
    interrupted. Epochs that are lost when the process is killed are trained again by a resumed run,
    to the same bits.

    ``best.ckpt`` is written just before the next other checkpoint. Every checkpoint names the best
    epoch, so none may reach the disk before the checkpoint of that epoch has. Checkpoints with
    other names, the user's own, are written at once.

    A signal may raise ``Stop`` at any line, and another thread then writes what is held: so a
    checkpoint takes the place of an older one when it is complete, and is held until it is on the
    disk.

    Args:
        pause: Seconds between two writes of ``last.ckpt``.
    """

    def __init__(self, pause: float = 10.0) -> None:
        self.pause = pause
        self._held: dict[Path, dict[str, Any]] = {}
        self._next_write = 0.0
        self._lock = RLock()

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write, or hold a copy, since training changes the tensors themselves.

        Raises:
            UserError: This checkpoint or one that was held cannot be written.
        """
        path = Path(path)
        wait = path.name == BEST_CHECKPOINT or (path.name == LAST_CHECKPOINT and time.monotonic() < self._next_write)
        with self._lock:
            self._held[path] = _copy(checkpoint) if wait else checkpoint
            if not wait:
                self._write_held()
                if path.name == LAST_CHECKPOINT:
                    self._next_write = time.monotonic() + self.pause

    def teardown(self) -> None:
        """Write what is held; Lightning calls this at the end of a training, also a failed one."""
        self._write_held()

    def _write_held(self) -> None:
        with self._lock:
            for path in sorted(self._held, key=lambda path: path.name != BEST_CHECKPOINT):
                try:
                    super().save_checkpoint(self._held[path], path)
                except UserError:
                    self._held.clear()  # a full disk is reported once
                    raise
                del self._held[path]


def _copy(value: Any) -> Any:
    """Copy a checkpoint into the machine's memory; ``copy.deepcopy`` is several times slower."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        copied = copy.copy(value)  # a state dict has module versions as an attribute
        copied.update({key: _copy(item) for key, item in value.items()})
        return copied
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _first_cause(error: BaseException) -> str:
    while error.__context__ is not None and not (isinstance(error, OSError) and error.strerror):
        error = error.__context__
    return (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
