"""Unfreezes any backbone stage by stage, from its head to its input."""

import gc
import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from posture_classifier.callbacks.schedule import OpenStages, Schedule, openings, with_solved_head
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.errors import UserError

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class ProgressiveUnfreezing(Callback):
    """Trains the head first, and opens (unfreezes) further stages at given epochs.

    Which stages are open depends on the epoch only, so a resumed run needs no state. Frozen modules
    are in evaluation mode: their parameters and running statistics stay bit-identical. Without
    options the backbone stays frozen (a linear probe). A head that is solved
    (``model.head_solver``) takes its first step when a second stage opens.

    Args:
        every_n_epochs: Open one more stage every n epochs.
        open_stages: Number of open stages from given epochs on, head included: ``{10: 2, 15:
            all}``; ``{0: all}`` trains everything from the start.
        warmup_epochs: Epochs over which the learning rate of a newly opened stage rises to its
            peak.
        batch_statistics: Whether open BatchNorm layers learn new running statistics. None does so
            only if the backbone started from random weights: the statistics of a few photos are
            worse than those of pretraining.

    Example:
        >>> unfreezing = ProgressiveUnfreezing(open_stages={10: 2, 15: "all"})
        >>> trainer = Trainer(accelerator="cpu", logger=False, callbacks=[unfreezing])
    """

    def __init__(
        self,
        every_n_epochs: int | None = None,
        open_stages: OpenStages | None = None,
        warmup_epochs: float = 0.5,
        batch_statistics: bool | None = None,
    ) -> None:
        if warmup_epochs < 0:
            raise UserError(f"unfreezing.warmup_epochs is {warmup_epochs}, but must be at least 0")
        self.every_n_epochs = every_n_epochs
        self.open_stages = open_stages
        self.warmup_epochs = warmup_epochs
        self.batch_statistics = batch_statistics
        self.schedule = Schedule(self._openings(1))

    def _openings(self, n_stages: int) -> tuple[float, ...]:
        try:
            return openings(n_stages, self.every_n_epochs, self.open_stages)
        except ValueError as error:
            raise UserError(str(error)) from error

    def plan(self, n_stages: int, max_epochs: int | None) -> tuple[int, int]:
        """How many stages open in a training, and from which epoch on so many are open.

        Args:
            n_stages: Number of stages of the network, head included.
            max_epochs: Number of epochs; None or -1 if the training has no end.

        Example:
            >>> ProgressiveUnfreezing(open_stages={10: 2, 15: "all"}).plan(6, max_epochs=12)
            (2, 10)
        """
        last = max_epochs - 1 if max_epochs is not None and max_epochs > 0 else math.inf
        opened = [epoch for epoch in self._openings(n_stages) if epoch <= last and epoch < math.inf]
        return len(opened), math.ceil(max(opened))

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Compute the schedule, and freeze before DDP wraps the model."""
        if stage != "fit":
            return
        if not isinstance(trainer.strategy, (SingleDeviceStrategy, DDPStrategy)):
            raise UserError(f"trainer.strategy {type(trainer.strategy).__name__} cannot unfreeze stage by stage; use ddp")
        model = _classifier(pl_module)
        max_epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        opened = self._openings(len(model.stages))
        self.schedule = Schedule(with_solved_head(opened) if model.solves_head else opened, self.warmup_epochs, max_epochs)
        self._apply(trainer, model)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Freeze again: a resumed run knows its epoch only now."""
        self._apply(trainer, _classifier(pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the stages of this epoch, and log their number and the learning rates at its end."""
        model = _classifier(pl_module)
        self._apply(trainer, model)
        names = [stage.name for stage in reversed(model.stages)]
        rates = {
            f"lr/{names[group['stage']]}": group["peak_lr"] * self.schedule.rate(group["stage"], trainer.current_epoch + 1)
            for group in trainer.optimizers[0].param_groups
        }
        pl_module.log_dict({"stages_open": float(self.schedule.open_stages(trainer.current_epoch))} | rates, sync_dist=True)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set every stage's learning rate, which depends on the (fractional) epoch only."""
        # The middle of the step: at its end the last step's rate would be 0, and a tiny dataset has
        # one step an epoch.
        now = trainer.current_epoch + (batch_idx + 0.5) / trainer.num_training_batches
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = group["peak_lr"] * self.schedule.rate(group["stage"], now)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Spare the optimizer what has a rate of 0: a solved head before another stage opens.

        AdamW would remember its gradients, which are next to nothing at the optimum, and divide by
        that when it takes steps.
        """
        for group in optimizer.param_groups:
            if group["lr"] == 0:
                for parameter in group["params"]:
                    parameter.grad = None

    def _apply(self, trainer: Trainer, model: PostureClassifier) -> None:
        n_open = self.schedule.open_stages(trainer.current_epoch)
        parameters = dict(model.backbone.named_parameters())
        changed = False
        for depth, stage in enumerate(reversed(model.stages)):
            for name in stage.parameters:
                changed |= parameters[name].requires_grad != (depth < n_open)
                parameters[name].requires_grad = depth < n_open
        keep = model.starts_pretrained if self.batch_statistics is None else not self.batch_statistics
        set_modes(model.backbone, training=True, keep_statistics=keep)
        if changed:
            _wrap_again(trainer, model)


def _classifier(module: LightningModule) -> PostureClassifier:
    assert isinstance(module, PostureClassifier)
    return module


def set_modes(module: nn.Module, training: bool, keep_statistics: bool) -> None:
    """Put modules whose parameters are all frozen in evaluation mode, and others in training mode.

    Args:
        module: The network, or a part of it.
        training: The mode of modules without parameters.
        keep_statistics: Whether BatchNorm layers are in evaluation mode even if they are open.
    """
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        module.eval()  # with all that is in it
        return
    training |= bool(parameters)
    module.training = training and not (keep_statistics and isinstance(module, BATCH_NORMS))
    for child in module.children():
        set_modes(child, training, keep_statistics)


def _wrap_again(trainer: Trainer, model: PostureClassifier) -> None:
    """Wrap the model in DDP anew.

    A wrapper only synchronises gradients that were wanted when it was made.
    """
    strategy = trainer.strategy
    if isinstance(strategy, DDPStrategy) and isinstance(strategy.model, DistributedDataParallel):
        strategy.model = model
        # The old wrapper's hooks leave the parameters only when it is gone.
        gc.collect()
        strategy.configure_ddp()
