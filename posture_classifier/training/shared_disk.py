"""Refuses to train on nodes without a shared disk, at the start rather than at the end."""

import secrets
import time
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.utils.errors import UserError

PATIENCE = 10.0
"""Seconds that a network file system gets to show a new file."""


class SharedDisk(Callback):
    """Checks that all ranks see the run folder that rank 0 made: they read its checkpoints."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check it.

        Raises:
            UserError: A rank does not see the folder.
        """
        if stage != "fit" or trainer.world_size == 1:
            return
        folder = Path(trainer.log_dir or ".")  # that of rank 0
        file = folder / trainer.strategy.broadcast(f".seen_{secrets.token_hex(4)}")
        if trainer.is_global_zero:
            file.touch()
        trainer.strategy.barrier()
        found = trainer.strategy.all_gather(torch.tensor(_appears(file), device=trainer.strategy.root_device))
        if trainer.is_global_zero:
            file.unlink()
        blind = (~found.flatten()).nonzero().flatten().tolist()
        if not blind:
            return
        if not trainer.is_global_zero:
            raise SystemExit(2)  # rank 0 says it
        raise UserError(
            f"rank {blind[0]} does not see {folder.absolute()}, the run folder that rank 0 made; all nodes need one shared disk: "
            "give a folder on it, by its absolute path, as --trainer.default_root_dir"
        )


def _appears(file: Path) -> bool:
    """Wait for a file."""
    end = time.monotonic() + PATIENCE
    while not file.exists() and time.monotonic() < end:
        time.sleep(0.1)
    return file.exists()
