"""Seeds each epoch by its number, so that a resumed run draws the same random numbers."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class EpochSeed(Callback):
    """Seeds torch at each epoch, so that dropout in a resumed run is that of an uninterrupted run.

    Args:
        seed: Seed of the run; epoch and rank are added to it.

    Example:
        >>> trainer = Trainer(callbacks=[EpochSeed(seed=42)], logger=False)
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed the first epoch: a resumed run may enter it without the epoch's start hook."""
        self._seed(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed every later epoch."""
        self._seed(trainer)

    def _seed(self, trainer: Trainer) -> None:
        torch.manual_seed((self.seed * 100_003 + trainer.current_epoch) * 1009 + trainer.global_rank)
