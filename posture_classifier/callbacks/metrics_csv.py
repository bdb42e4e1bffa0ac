"""``metrics.csv``: a row for each epoch, written before the epoch's checkpoint."""

import time
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer

from posture_classifier.runs.names import METRICS_CSV
from posture_classifier.runs.tables import read_curves
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import write_rows


class MetricsCSV(Callback):
    """Writes every logged metric and the seconds of each epoch to ``metrics.csv``.

    A resumed run keeps the rows of the epochs before it.

    Example:
        >>> trainer = Trainer(callbacks=[MetricsCSV()], logger=False)
    """

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []
        self._path = Path()
        self._started = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read the rows of a resumed run, up to the epoch that its checkpoint holds."""
        self._path = Path(trainer.log_dir or ".") / METRICS_CSV
        self._rows = [row for row in read_curves(self._path) if float(row["epoch"]) < trainer.current_epoch]
        self._started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Add the epoch's row; Lightning saves checkpoints after this."""
        now = time.perf_counter()
        metrics = {name: f"{float(value):.6g}" for name, value in sorted(trainer.callback_metrics.items())}
        self._rows.append({"epoch": str(trainer.current_epoch), "seconds": f"{now - self._started:.3f}"} | metrics)
        self._started = now
        if trainer.is_global_zero:
            names = list(dict.fromkeys(name for row in self._rows for name in row))
            with atomic_write(self._path) as temporary:
                write_rows(self._rows, names, temporary)
