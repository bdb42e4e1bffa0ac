"""Writes ``config.yaml`` into the run folder."""

import json
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback

RESTORED = ("preprocessing", "weights_source")
"""Arguments of the model that only a checkpoint sets."""


class SaveConfig(SaveConfigCallback):
    """Writes the settings of a run; a resumed run writes its own to ``config.resumed-N.yaml``."""

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write the settings; Lightning calls this on rank 0 only."""
        # Trainer.log_dir would wait for all ranks.
        folder = Path(trainer.loggers[0].log_dir or ".")
        folder.mkdir(parents=True, exist_ok=True)
        names = ["config.yaml", *(f"config.resumed-{n}.yaml" for n in range(1, 10_000))]
        path = next(folder / name for name in names if not (folder / name).exists())
        self.parser.save(self._repeatable(), path, skip_none=False)

    def settings(self) -> dict[str, Any]:
        """The settings as plain values, as ``config.yaml`` holds them."""
        settings: dict[str, Any] = json.loads(self.parser.dump(self._repeatable(), skip_none=False, format="json"))
        return settings

    def _repeatable(self) -> Namespace:
        config = self.config.clone()
        # With them, another run would take its random weights for pretrained ones.
        for name in RESTORED:
            config.model[name] = None
        return config
