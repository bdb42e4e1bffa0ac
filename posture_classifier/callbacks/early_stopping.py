"""Early stopping that waits until all stages are unfrozen."""

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping as LightningEarlyStopping

from posture_classifier.callbacks.of_trainer import callbacks_of
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing


class EarlyStoppingAfterUnfreezing(LightningEarlyStopping):
    """Stops when a metric has not improved for some epochs after the last stage was unfrozen.

    A frozen network always stops improving after a while; that is the moment to unfreeze more of
    it, not to stop.

    Args:
        monitor: Name of the metric.
        patience: Epochs without improvement before it stops.
        mode: ``min`` if lower is better, ``max`` if higher is.
        min_delta: Smallest change that counts as an improvement.

    Example:
        In YAML: ``trainer: {callbacks: [{class_path: EarlyStoppingAfterUnfreezing}]}``.

        >>> EarlyStoppingAfterUnfreezing(patience=3).patience
        3
    """

    def __init__(self, monitor: str = "val/loss", patience: int = 5, mode: str = "min", min_delta: float = 0.0) -> None:
        super().__init__(monitor=monitor, patience=patience, mode=mode, min_delta=min_delta)

    @property
    def state_key(self) -> str:
        """The key of the state in a checkpoint, which holds the class's former name."""
        return super().state_key.replace(type(self).__qualname__, "EarlyStopping", 1)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the metric once every stage that will be unfrozen is."""
        if _all_opened(trainer):
            super().on_validation_end(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Do the same; Lightning uses one of the two hooks."""
        if _all_opened(trainer):
            super().on_train_epoch_end(trainer, pl_module)


EarlyStopping = EarlyStoppingAfterUnfreezing
"""The former name, which YAML files may still hold."""


def _all_opened(trainer: Trainer) -> bool:
    schedules = [unfreezing.schedule for unfreezing in callbacks_of(trainer, ProgressiveUnfreezing)]
    return all(trainer.current_epoch >= schedule.all_opened_at() for schedule in schedules)
