"""Opens the network from its head towards its input, on any backbone, with any number of devices, across resumes."""

import gc
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from posture_classifier.callbacks.schedule import OpenStages, Schedule, openings
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.utils.errors import UserError

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class ProgressiveUnfreezing(Callback):
    """Freezes all but the last stages, and opens more of them as the epochs go by; the head is always open.

    Each epoch sets what that epoch wants, whatever was before, so a resumed run needs nothing restored. Frozen modules are in
    evaluation mode: their parameters and running statistics stay bit-identical. Without options the backbone stays frozen for
    ever (a linear probe).

    Args:
        every_n_epochs: Open one more stage every n epochs.
        open_stages: Number of open stages from given epochs on, head included: ``{10: 2, 15: all}``; ``{0: all}`` trains
            everything from the start.
        warmup_epochs: Epochs over which the learning rate of a newly opened stage rises to its peak.
        batch_statistics: Whether open BatchNorm layers learn new running statistics. None does so only where nothing
            pretrained would be lost: the statistics of a few photos are worse than those of a million.
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

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Work out the schedule, and freeze before DDP wraps the model."""
        if stage != "fit":
            return
        if not isinstance(trainer.strategy, (SingleDeviceStrategy, DDPStrategy)):
            raise UserError(f"trainer.strategy {type(trainer.strategy).__name__} cannot unfreeze stage by stage; use ddp")
        model = _classifier(pl_module)
        max_epochs = trainer.max_epochs if trainer.max_epochs and trainer.max_epochs > 0 else None
        self.schedule = Schedule(self._openings(len(model.stages)), self.warmup_epochs, max_epochs)
        self._apply(trainer, model)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """A resumed run learns its epoch only now."""
        self._apply(trainer, _classifier(pl_module))

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open what this epoch opens, and log how many stages that are and the learning rates that the epoch ends with."""
        model = _classifier(pl_module)
        self._apply(trainer, model)
        names = [stage.name for stage in reversed(model.stages)]
        rates = {
            f"lr/{names[group['stage']]}": group["peak_lr"] * self.schedule.rate(group["stage"], trainer.current_epoch + 1)
            for group in trainer.optimizers[0].param_groups
        }
        pl_module.log_dict({"stages_open": float(self.schedule.open_stages(trainer.current_epoch))} | rates, sync_dist=True)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set every stage's learning rate, a function of the epoch just as freezing is."""
        # The middle of the step: its end would be a rate of 0 for the last one, which may be all of a tiny set's epoch.
        now = trainer.current_epoch + (batch_idx + 0.5) / trainer.num_training_batches
        for group in trainer.optimizers[0].param_groups:
            group["lr"] = group["peak_lr"] * self.schedule.rate(group["stage"], now)

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
    """Put modules with frozen parameters only in evaluation mode; a module without parameters follows its parent."""
    parameters = list(module.parameters())
    if parameters and not any(parameter.requires_grad for parameter in parameters):
        module.eval()  # with all that is in it
        return
    training |= bool(parameters)
    module.training = training and not (keep_statistics and isinstance(module, BATCH_NORMS))
    for child in module.children():
        set_modes(child, training, keep_statistics)


def _wrap_again(trainer: Trainer, model: PostureClassifier) -> None:
    """Give DDP a new wrapper: it synchronises just those gradients that were wanted when it was made."""
    strategy = trainer.strategy
    if isinstance(strategy, DDPStrategy) and isinstance(strategy.model, DistributedDataParallel):
        strategy.model = model
        # The old wrapper's hooks leave the parameters only when it is gone.
        gc.collect()
        strategy.configure_ddp()
