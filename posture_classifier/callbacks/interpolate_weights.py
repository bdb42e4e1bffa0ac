"""Remembers the network with a solved head, to be weighed against what fine-tuning makes of it."""

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from posture_classifier.callbacks.progressive_unfreezing import ProgressiveUnfreezing
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.errors import UserError


class InterpolateWeights(Callback):
    """Keeps the weights from which the fine-tuning of a solved head starts.

    Few photos can make pretrained features worse. The weights between both networks are often
    better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3).
    When training has ended, ``training/interpolation.py`` keeps a share of what it has changed.
    Without a solved head (``model.head_solver: lbfgs``) that then learns on, nothing is kept.

    Args:
        share: The share that is kept, 0 (nothing that fine-tuning has changed) to 1 (all); None
            lets the validation photos choose it, and is 1 where there are none.

    Attributes:
        start: The weights at the start, by name, of all that training may change.
        chosen: The ``share``, and the validation ``log_losses`` of those that were tried, for
            ``summary.json``; None if all is kept because nobody could choose.

    Example:
        In YAML: ``callbacks: [{class_path: InterpolateWeights, init_args: {share: 0.5}}]``.

        >>> InterpolateWeights(share=0.5).share
        0.5
    """

    def __init__(self, share: float | None = None) -> None:
        self.share = share
        self.start: dict[str, Tensor] = {}
        self.chosen: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The start, for a resumed run."""
        return {"start": self.start}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it; a checkpoint of an earlier version has none."""
        self.start = state_dict.get("start", {})

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Check the share; jsonargparse would hide an error of ``__init__`` in others.

        Raises:
            UserError: It is out of range.
        """
        if self.share is not None and not 0 <= self.share <= 1:
            raise UserError(f"the share of InterpolateWeights is {self.share}, but must be from 0 to 1")

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Keep the start before the first step of all; the head has been solved by then."""
        assert isinstance(pl_module, PostureClassifier)
        if trainer.global_step == 0 and pl_module.solves_head:
            state, names = pl_module.state_dict(), _learning(trainer, pl_module)
            self.start = {name: state[name].detach().to("cpu", copy=True) for name in names}


def _learning(trainer: Trainer, model: PostureClassifier) -> list[str]:
    """Names of the weights that a training changes, and of the statistics that it may change."""
    schedules = [c.schedule for c in trainer.callbacks if isinstance(c, ProgressiveUnfreezing)]  # type: ignore[attr-defined]
    epochs = math.inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
    stages = [
        stage
        for number, stage in enumerate(reversed(model.stages))
        if all(schedule.openings[number] < epochs for schedule in schedules)
    ]
    if not stages:
        return []
    statistics = [name for name, value in model.backbone.named_buffers() if value.is_floating_point()]
    parameters = [name for stage in stages for name in stage.parameters]
    return [name for name in model.state_dict() if name.removeprefix("backbone.") in {*parameters, *statistics}]
