"""``metrics.csv``: one row an epoch, on the disk before the epoch's checkpoint is."""

import csv
import os
import time
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.runs.names import METRICS


class MetricsCSV(Callback):
    """Writes every logged metric and the seconds of each epoch; a resumed run keeps the rows of the epochs before it."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []
        self._path = Path()
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take up the rows of a resumed run, up to the epoch that its checkpoint holds."""
        self._path = Path(trainer.log_dir or ".") / METRICS
        self._rows = [row for row in read_metrics(self._path) if int(row["epoch"]) < trainer.current_epoch]
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch's row; Lightning saves checkpoints after this."""
        now = time.perf_counter()
        metrics = {name: f"{float(value):.6g}" for name, value in sorted(trainer.callback_metrics.items())}
        self._rows.append({"epoch": str(trainer.current_epoch), "seconds": f"{now - self._started:.3f}"} | metrics)
        self._started = now
        if trainer.is_global_zero:
            _write(self._path, self._rows)


def read_metrics(path: Path) -> list[dict[str, str]]:
    """The rows of a ``metrics.csv``; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    """Replace the file in one step, so that a kill leaves the old one or the new one."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(temporary, path)
