"""Writes the settings of a run into its folder."""

import json
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

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
