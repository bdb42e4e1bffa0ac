"""The callbacks and plugins that every training has, beside those that the user configures."""

from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint, ProgressBar
from lightning.pytorch.plugins import LayerSync
from timm.layers import convert_sync_batchnorm
from torch import nn

from posture_classifier.callbacks.epoch_seed import EpochSeed
from posture_classifier.callbacks.evaluation_report import EvaluationReport
from posture_classifier.callbacks.metrics_csv import MetricsCSV
from posture_classifier.callbacks.progress import Progress
from posture_classifier.callbacks.solve_head import SolveHead
from posture_classifier.runs.names import BEST_CHECKPOINT, LAST_CHECKPOINT
from posture_classifier.training.lifeline import Lifeline
from posture_classifier.training.resumed_run import ResumedRun
from posture_classifier.training.shared_disk import SharedDisk


class RunCheckpoint(ModelCheckpoint):
    """A run's own checkpoint; Lightning refuses a second ``ModelCheckpoint`` of the same metric."""


class WriteHeldCheckpoints(Callback):
    """Writes the checkpoints that are held in memory when a training fails or is interrupted.

    It is the first of the callbacks, since others may take long then.
    """

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Write them."""
        trainer.strategy.checkpoint_io.teardown()


class TimmSyncBatchNorm(LayerSync):
    """Synchronises BatchNorm by timm's converter: torch's drops activations that timm fuses in."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace every BatchNorm layer."""
        converted: nn.Module = convert_sync_batchnorm(model)
        return converted

    def revert(self, model: nn.Module) -> nn.Module:
        """Leave them: synchronised layers work on one device too."""
        return model


def run_callbacks(trainer: Namespace, seed: int, validates: bool = True) -> list[Callback]:
    """All callbacks of a run: the user's, and our own reports, progress bar and checkpoints.

    Without validation photos there is no best epoch, and what would stop by their figures is left
    out.
    """
    configured = as_list(trainer.callbacks)
    if not validates:
        configured = [c for c in configured if not isinstance(c, EarlyStopping) or not str(c.monitor).startswith("val/")]
    callbacks: list[Callback] = [WriteHeldCheckpoints(), SharedDisk(), Lifeline(), ResumedRun()]
    callbacks += [*configured, SolveHead(), EpochSeed(seed), MetricsCSV(), EvaluationReport(seed)]
    if trainer.enable_progress_bar is not False and not any(isinstance(c, ProgressBar) for c in configured):
        callbacks.append(Progress())
    if trainer.enable_checkpointing is not False:
        # Two callbacks, because save_last=True skips the epochs that bring no new best. The last
        # checkpoint is written after the best one and holds its state.
        callbacks += [_checkpoint(BEST_CHECKPOINT, "val/loss")] if validates else []
        callbacks += [_checkpoint(LAST_CHECKPOINT, None)]
    return callbacks


def _checkpoint(name: str, monitor: str | None) -> RunCheckpoint:
    return RunCheckpoint(filename=Path(name).stem, monitor=monitor, save_on_train_epoch_end=True, enable_version_counter=False)


def as_list(value: Any) -> list[Any]:
    """The values of an option that takes one value, several or none."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
