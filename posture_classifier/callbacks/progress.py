"""The progress of a training: a line for each epoch that stays, and a bar that does not."""

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

from posture_classifier.callbacks.epoch_table import EpochTable
from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.console import notebook_options, say


class Progress(RichProgressBar):
    """Prints a line for each epoch, and on a terminal Lightning's rich bar below the last one.

    The bar vanishes when it is full. It shows the stages that learn; what an epoch measured is in
    its line.

    Example:
        >>> trainer = Trainer(callbacks=[Progress()], accelerator="cpu", logger=False)
        >>> isinstance(trainer.progress_bar_callback, Progress)
        True
    """

    def __init__(self) -> None:
        super().__init__(console_kwargs=notebook_options())
        self._table: EpochTable | None = None
        self._started = 0.0
        self._validated = False

    @property
    def is_enabled(self) -> bool:
        """Whether there is a bar: in a pipe, or in a notebook without widgets, there is none."""
        return super().is_enabled and sys.stdout.isatty()

    def _init_progress(self, trainer: Trainer) -> None:
        super()._init_progress(trainer)
        if self.progress is not None:
            self.progress.live.transient = True

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Show the stages that learn, such as ``open: 3 of 6 stages``, and no metric of ours."""
        items: dict[str, Any] = super().get_metrics(trainer, pl_module)
        items = {name: value for name, value in items.items() if name not in ("v_num", "val/loss", "val/accuracy")}
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, ProgressiveUnfreezing) and isinstance(pl_module, PostureClassifier):
                n_open = callback.schedule.open_stages(trainer.current_epoch)
                items["open"] = f"{n_open} of {len(pl_module.stages)} stages"
        return items

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin the table, also that of a resumed run."""
        super().on_train_start(trainer, pl_module)
        n_stages = len(pl_module.stages) if isinstance(pl_module, PostureClassifier) else 0
        self._table = EpochTable(trainer.max_epochs, n_stages)
        self._started = time.perf_counter()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Hide the bar of an epoch whose batches are done."""
        super().on_validation_start(trainer, pl_module)
        self._validated = True
        self._hide_full_bar()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the epoch's line, above the bar."""
        super().on_train_epoch_end(trainer, pl_module)
        self._hide_full_bar()
        # Asked by all ranks, since computing them may take messages between them.
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if not self._validated:  # those of an earlier epoch would still be there
            values = {name: value for name, value in values.items() if not name.startswith("val/")}
        now = time.perf_counter()
        if trainer.is_global_zero and self._table is not None:
            say(self._table.lines(trainer.current_epoch, values, now - self._started))
        self._started, self._validated = now, False

    def _hide_full_bar(self) -> None:
        if self.progress is not None and self.train_progress_bar_id is not None and self.train_progress_bar.finished:
            self.progress.update(self.train_progress_bar_id, visible=False)
            self.refresh(hard=True)


def describe_open(model: PostureClassifier, n_open: int) -> str:
    """Name stages that learn: ``head``, ``head to layer3 (3 of 6 stages)``, ``all 6 stages``."""
    names = [stage.name for stage in reversed(model.stages)]
    if n_open == 1:
        return names[0]
    return f"all {len(names)} stages" if n_open == len(names) else f"head to {names[n_open - 1]} ({n_open} of {len(names)} stages)"
