"""What Lightning's trainer is given in place of its own parts."""

import json
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.plugins import LayerSync
from timm.layers import convert_sync_batchnorm
from torch import nn

RESTORED = ("preprocessing", "weights_source")
"""Arguments of the model that only a checkpoint gives."""


class SaveConfig(SaveConfigCallback):
    """Writes ``config.yaml`` once; a resumed run keeps it, and writes its own beside it."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Called on rank 0 only."""
        # Not Trainer.log_dir, which waits for all ranks.
        folder = Path(trainer.loggers[0].log_dir or ".")
        folder.mkdir(parents=True, exist_ok=True)
        names = ["config.yaml", *(f"config.resumed-{n}.yaml" for n in range(1, 10_000))]
        path = next(folder / name for name in names if not (folder / name).exists())
        self.parser.save(self._repeatable(), path, skip_none=False)

    def settings(self) -> dict[str, Any]:
        """What ``config.yaml`` holds, as plain values."""
        settings: dict[str, Any] = json.loads(self.parser.dump(self._repeatable(), skip_none=False, format="json"))
        return settings

    def _repeatable(self) -> Namespace:
        config = self.config.clone()
        # They would make another run take its random weights for pretrained ones.
        for name in RESTORED:
            config.model[name] = None
        return config


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
