"""Checkpoints that are safe to load, written whole or not at all."""

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from posture_classifier.models.checkpoint import load_plain
from posture_classifier.runs.names import BEST_CHECKPOINT, LAST_CHECKPOINT
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write


class AtomicCheckpointIO(TorchCheckpointIO):
    """Writes beside the old file and then replaces it, so that a kill or a full disk leaves the old one as it was.

    Lightning's own transaction goes by the system's temporary folder, from where a move is a copy if that is another disk.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write to a temporary neighbour, flush it to the disk, and rename it.

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
                "free some space, then go on with --ckpt_path last"
            ) from error

    def load_checkpoint(
        self, path: str | Path, map_location: Callable[..., Any] | None = None, weights_only: bool | None = True
    ) -> dict[str, Any]:
        """Read with ``load_plain``, whatever the caller thinks of ``weights_only``."""
        checkpoint: dict[str, Any] = load_plain(path)
        return checkpoint


class RunCheckpointIO(AtomicCheckpointIO):
    """Does not write a run's checkpoints more often than every few seconds.

    On kept activations an epoch takes less time than writing its checkpoint. So the newest of each is held in memory until the time
    has come, or until the run ends, in whatever way it still notices. What a kill takes is trained again by a resumed run, to the
    same bits. ``best.ckpt`` waits for the next other checkpoint and goes before it: each tells which epoch was the best, so none
    is written while that one is not. Checkpoints of other names, the user's own, do not wait.

    Args:
        pause: Seconds between two writings.
    """

    def __init__(self, pause: float = 10.0) -> None:
        self.pause = pause
        self._held: dict[Path, dict[str, Any]] = {}
        self._due = 0.0

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        """Write, or hold a copy: training goes on in the tensors themselves.

        Raises:
            UserError: As ``AtomicCheckpointIO``, of this checkpoint or a held one.
        """
        path = Path(path)
        self._held.pop(path, None)
        if path.name == BEST_CHECKPOINT or (path.name == LAST_CHECKPOINT and time.monotonic() < self._due):
            self._held[path] = _copy(checkpoint)
            return
        self._write_held()
        if path.name == LAST_CHECKPOINT:
            self._due = time.monotonic() + self.pause
        super().save_checkpoint(checkpoint, path, storage_options)

    def teardown(self) -> None:
        """Write what is held; Lightning calls this at the end of a training, an interrupted or failed one too."""
        self._write_held()

    def _write_held(self) -> None:
        held, self._held = self._held, {}  # of a full disk it is enough to tell once
        for path in sorted(held, key=lambda path: path.name != BEST_CHECKPOINT):
            super().save_checkpoint(held[path], path)


def _copy(value: Any) -> Any:
    """Of tensors, in the machine's memory, and plain values; ``copy.deepcopy`` is several times slower on some hundred tensors."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        copied = copy.copy(value)  # a module's state has the versions of its parts as an attribute
        copied.update({key: _copy(item) for key, item in value.items()})
        return copied
    return [_copy(item) for item in value] if isinstance(value, list) else value


def _first_cause(error: BaseException) -> str:
    while error.__context__ is not None and not (isinstance(error, OSError) and error.strerror):
        error = error.__context__
    return (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
