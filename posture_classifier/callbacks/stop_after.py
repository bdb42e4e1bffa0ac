"""Ends a training after some epochs of a longer schedule."""

from lightning.pytorch import Callback, LightningModule, Trainer


class StopAfter(Callback):
    """Stops after a number of epochs, with the learning rates of all ``trainer.max_epochs``.

    A smaller ``max_epochs`` would let the learning rates fall faster, so that the epochs would not
    be those of the training whose best epoch gave the number.

    Args:
        epochs: Number of epochs, at least 1.

    Example:
        In YAML: ``trainer: {callbacks: [{class_path: StopAfter, init_args: {epochs: 7}}]}``.

        >>> StopAfter(epochs=7).epochs
        7
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once if a resumed run has had all epochs."""
        trainer.should_stop |= trainer.current_epoch >= self.epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop after the last epoch."""
        trainer.should_stop |= trainer.current_epoch + 1 >= self.epochs
