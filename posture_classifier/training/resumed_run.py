"""What a resumed run takes over from its checkpoint, and what it does not."""

import os
import re
from pathlib import Path, PurePath
from typing import Any

from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, OnExceptionCheckpoint
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn

from posture_classifier.callbacks.of_trainer import callbacks_of
from posture_classifier.callbacks.solve_head import nothing_learns
from posture_classifier.runs.names import LAST_CHECKPOINT
from posture_classifier.utils.console import say, say_command
from posture_classifier.utils.errors import UserError

OPENED = "--unfreezing.open_stages '{1: all}' --trainer.max_epochs 6"
"""Options with which a training goes on whose solved head was final."""


class ResumedRun(Callback):
    """Fits the states of other callbacks to the present run, before Lightning restores them.

    A checkpoint names the files of its run as they lay then. Lightning takes these paths as they
    are: it would delete what they name, and forget the best epoch of a run that was moved.

    It also ends a training that was over when its checkpoint was written.
    """

    def __init__(self) -> None:
        self._steps: int | None = None  # that the checkpoint was trained for

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Replace the states.

        Raises:
            UserError: A state is damaged.
        """
        states = checkpoint["callbacks"]
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if not (state := states.get(callback.state_key)):
                continue
            if isinstance(callback, ModelCheckpoint):
                states[callback.state_key] = _restore_files(trainer, callback, state)
            elif isinstance(callback, EarlyStopping):
                # Otherwise a patience that is given to the resumed run would not count.
                states[callback.state_key] = state | {"patience": callback.patience}
        if trainer.state.fn == "fit":
            self._steps = checkpoint["global_step"]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once if early stopping has ended the training; Lightning would train an epoch."""
        trainer.should_stop |= any(map(_has_stopped, callbacks_of(trainer, EarlyStopping)))

    @rank_zero_only
    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say it if nothing was left to train."""
        if trainer.global_step == self._steps and nothing_learns(trainer):
            say_command("nothing is left to train: the head is solved, and no stage opens; to go on, add", OPENED)
        elif trainer.global_step == self._steps:
            longer = "the patience of early stopping" if trainer.should_stop else "trainer.max_epochs"
            say(f"nothing is left to train: the checkpoint has all {trainer.current_epoch} epochs; to go on, raise {longer}")


def refuse_to_resume_unasked(trainer: Trainer) -> None:
    """Refuse what lets Lightning begin a training from a checkpoint that nobody asked for.

    Whether that has seen the photos, and which weights the results belong to, would not be known.

    Raises:
        UserError: There is such a callback or file.
    """
    if callbacks_of(trainer, OnExceptionCheckpoint):
        raise UserError(
            "OnExceptionCheckpoint would let a new training begin from the weights of a failed one; leave it out, since "
            f"{LAST_CHECKPOINT} is written when a training fails, and --ckpt_path last resumes from it"
        )
    left = sorted(Path(trainer.default_root_dir).glob("hpc_ckpt_*.ckpt")) if SLURMEnvironment.detect() else []
    if left:
        raise UserError(f"under SLURM, Lightning would resume from {left[-1]}; move it away, or give it as --ckpt_path")


def _has_stopped(callback: EarlyStopping) -> bool:
    if callback.stopping_reason is EarlyStoppingReason.PATIENCE_EXHAUSTED:
        return callback.wait_count >= callback.patience
    return callback.stopping_reason is not EarlyStoppingReason.NOT_STOPPED


def _restore_files(trainer: Trainer, callback: ModelCheckpoint, state: dict[str, Any]) -> dict[str, Any]:
    """The state with its files where they lie now; warns if the best is not among them."""
    # Rank 0 looks for them, so that all ranks find the same.
    found: dict[str, Any] = trainer.strategy.broadcast(files_here(callback, state))
    callback.current_score = found["current_score"]  # which Lightning saves and does not restore
    if trainer.state.fn == "fit" and callback.monitor and state["best_model_path"] and not found["best_model_path"]:
        rank_zero_warn(
            f"the best epoch of the checkpoint's run, {PurePath(state['best_model_path']).name}, is not in {callback.dirpath}; "
            "the best is chosen among the epochs from here on"
        )
    return found


def files_here(callback: ModelCheckpoint, state: dict[str, Any]) -> dict[str, Any]:
    """The state of a checkpoint callback with its files where they lie now.

    Files are looked for in the callback's own folder, and only under names that it gives itself;
    those that are not there are left out with their scores. Nothing else that the state names is
    ever read, written or removed.

    Raises:
        UserError: It is not the state of such a callback.
    """
    try:
        scores = {path: score for old, score in state["best_k_models"].items() if (path := _path_here(callback, old, state))}
        newest, last = (_path_here(callback, state[name], state) for name in ("best_model_path", "last_model_path"))
        worst_of, best_of = (max, min) if callback.mode == "min" else (min, max)
        best = best_of(scores, key=scores.__getitem__) if scores else ""
        worst = worst_of(scores, key=scores.__getitem__) if scores else ""
    except (TypeError, KeyError, AttributeError, ValueError, RuntimeError) as error:
        raise UserError(f"the checkpoint's state of {callback.state_key} is damaged; resume from another checkpoint") from error
    return state | {
        "dirpath": callback.dirpath,
        "best_k_models": scores,
        "best_model_path": best if callback.monitor else newest,
        "best_model_score": scores.get(best),
        "kth_best_model_path": worst,
        "kth_value": scores.get(worst, callback.kth_value),
        "last_model_path": last,
    }


def _path_here(callback: ModelCheckpoint, old: str, state: dict[str, Any]) -> str:
    """The present path of a file that a checkpoint names; empty if it is not there."""
    path, folder = PurePath(old), state["dirpath"]
    name = path.relative_to(folder) if path.is_relative_to(folder) else PurePath(path.name)
    templates = (callback.filename or "{epoch}-{step}", callback.CHECKPOINT_NAME_LAST)
    if ".." in name.parts or not any(re.fullmatch(_pattern(template), str(name)) for template in templates):
        return ""
    here = os.path.join(callback.dirpath or "", name)  # joined as Lightning does, which compares paths as texts
    return here if Path(here).is_file() else ""


def _pattern(template: str) -> str:
    """A regular expression for the names that Lightning makes of a template."""
    parts = map(re.escape, re.split(r"\{.*?\}", template))
    return ".*".join(parts) + r"(-v\d+)?\.ckpt"
