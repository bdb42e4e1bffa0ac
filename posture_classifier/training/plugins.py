"""What Lightning's trainer is given in place of its own parts."""

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins import LayerSync
from timm.layers import convert_sync_batchnorm
from torch import nn


class RunCheckpoint(ModelCheckpoint):
    """A run's own checkpoint; a class of its own, since Lightning refuses two of one class that watch the same figure."""


class WriteHeldCheckpoints(Callback):
    """Writes what ``RunCheckpointIO`` holds as soon as a training fails or is interrupted: other callbacks may take long then."""

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Come before the others, by being the first in the list."""
        trainer.strategy.checkpoint_io.teardown()


class TimmSyncBatchNorm(LayerSync):
    """``trainer.sync_batchnorm`` by timm's converter: torch's drops the activation that timm fuses into its norm layers."""

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace every BatchNorm layer."""
        converted: nn.Module = convert_sync_batchnorm(model)
        return converted

    def revert(self, model: nn.Module) -> nn.Module:
        """Leave them: synchronised layers work on one device too."""
        return model
