"""Makes the random numbers of an epoch a function of the epoch."""

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class EpochSeed(Callback):
    """Seeds torch by seed, epoch and rank, so that dropout in a resumed run draws what the whole run would have drawn.

    Args:
        seed: The run's seed.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A resumed run may enter its first epoch without that epoch's start hook."""
        self._seed(trainer)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Seed anew."""
        self._seed(trainer)

    def _seed(self, trainer: Trainer) -> None:
        torch.manual_seed((self.seed * 100_003 + trainer.current_epoch) * 1009 + trainer.global_rank)
