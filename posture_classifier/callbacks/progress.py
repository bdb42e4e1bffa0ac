"""The progress bar of a training."""

from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.console import notebook_options


class Progress(RichProgressBar):
    """Lightning's rich progress bar, which also shows the stages that learn.

    Example:
        >>> trainer = Trainer(callbacks=[Progress()], accelerator="cpu", logger=False)
        >>> isinstance(trainer.progress_bar_callback, Progress)
        True
    """

    def __init__(self) -> None:
        super().__init__(console_kwargs=notebook_options())

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        """Add the stages that learn, such as ``open: head to layer3 (3 of 6 stages)``."""
        items: dict[str, Any] = super().get_metrics(trainer, pl_module)
        items.pop("v_num", None)
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, ProgressiveUnfreezing) and isinstance(pl_module, PostureClassifier):
                items["open"] = describe_open(pl_module, callback.schedule.open_stages(trainer.current_epoch))
        return items


def describe_open(model: PostureClassifier, n_open: int) -> str:
    """Name the stages that learn: ``head``, ``head to layer3 (3 of 6 stages)``, ``all 6 stages``.

    Args:
        model: The classifier.
        n_open: Number of stages that learn, counted from the head.
    """
    names = [stage.name for stage in reversed(model.stages)]
    if n_open == 1:
        return names[0]
    return f"all {len(names)} stages" if n_open == len(names) else f"head to {names[n_open - 1]} ({n_open} of {len(names)} stages)"
