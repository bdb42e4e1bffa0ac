"""Early stopping that does not give up before the network was opened."""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch import callbacks as lightning_callbacks

from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing


class EarlyStopping(lightning_callbacks.EarlyStopping):
    """Stops when a metric has not improved for some epochs, counted from the last opening of a stage.

    A frozen network always stops improving after a while; that is the moment to open it, not to stop.

    Args:
        monitor: Key of the metric.
        patience: Epochs without improvement.
        mode: ``min`` or ``max``.
        min_delta: Smallest change that counts as an improvement.
    """

    def __init__(self, monitor: str = "val/loss", patience: int = 5, mode: str = "min", min_delta: float = 0.0) -> None:
        super().__init__(monitor=monitor, patience=patience, mode=mode, min_delta=min_delta)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the metric once every stage that will open is open."""
        if _all_opened(trainer):
            super().on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """The same; Lightning uses one of the two hooks."""
        if _all_opened(trainer):
            super().on_train_epoch_end(trainer, pl_module)


def _all_opened(trainer: Trainer) -> bool:
    schedules = [c.schedule for c in trainer.callbacks if isinstance(c, ProgressiveUnfreezing)]  # type: ignore[attr-defined]
    return all(trainer.current_epoch >= schedule.all_opened_at() for schedule in schedules)
