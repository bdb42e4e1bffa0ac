"""The validation loss of a trial: told after each epoch, and the lowest one in the end."""

import math
from collections.abc import Callable
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import METRICS_CSV
from posture_classifier.runs.tables import read_curves
from posture_classifier.utils.errors import UserError

LOSS = "val/loss"


class ReportsLosses(Callback):
    """Reports the validation loss after each epoch.

    Args:
        report: Takes the epoch and the loss, and raises what ends the training.
    """

    def __init__(self, report: Callable[[int, float], None]) -> None:
        self.report = report

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report it, if the epoch was validated."""
        if (loss := trainer.callback_metrics.get(LOSS)) is not None and math.isfinite(loss):
            self.report(trainer.current_epoch, float(loss))


def lowest_loss(folder: Path) -> float:
    """The lowest validation loss of the newest run in a folder: that of its best checkpoint.

    Raises:
        UserError: No epoch has one that is a number.
    """
    losses = [float(row[LOSS]) for row in read_curves(versions(folder)[-1] / METRICS_CSV) if row.get(LOSS)]
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        raise UserError(f"no epoch has a {LOSS} that is a number; lower the learning rates")
    return min(finite)
