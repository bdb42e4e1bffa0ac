"""Takes as much of what fine-tuning changed as is good for the validation photos (WiSE-FT).

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3. Here the network that
fine-tuning starts from is the pretrained one with a solved head.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Trainer
from torch import Tensor

from posture_classifier.callbacks.interpolate_weights import InterpolateWeights
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import score
from posture_classifier.models.checkpoint import INTERPOLATION, load_plain
from posture_classifier.training.best_checkpoint import BestNetwork, draw
from posture_classifier.training.checkpoint_io import AtomicCheckpointIO
from posture_classifier.utils.console import say

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of what fine-tuning changed; the first of equally good ones is taken."""
MOST_CHOOSING = 1000
"""Most validation photos that choose, which are computed once for each share."""


def interpolate(trainer: Trainer, checkpoint: Path, network: BestNetwork) -> None:
    """Put the chosen share of what fine-tuning changed into a run's checkpoint; a collective call.

    A checkpoint to which that was done stays as it is.

    Args:
        trainer: The trainer, whose training has ended.
        checkpoint: The checkpoint, with all that fine-tuning changed.
        network: The network that it is for; its weights are not those of the checkpoint afterwards.
    """
    (callback,) = [c for c in trainer.callbacks if isinstance(c, InterpolateWeights)]  # type: ignore[attr-defined]
    if callback.start and trainer.is_global_zero:
        callback.chosen = _interpolate(callback, checkpoint, network, trainer.strategy.root_device)
    trainer.strategy.barrier()  # the others read what was written


def _interpolate(
    callback: InterpolateWeights, checkpoint: Path, network: BestNetwork, device: torch.device
) -> dict[str, Any] | None:
    content = load_plain(checkpoint)
    if (done := content.get(INTERPOLATION)) is not None:
        return dict(done)
    if callback.share is None and not network.data.has_val:
        return None
    weights, losses = content["state_dict"], {}
    if callback.share is None:
        losses = {share: _log_loss(network, weights | _between(callback.start, weights, share), device) for share in SHARES}
    share = min(losses, key=lambda share: losses[share]) if callback.share is None else callback.share
    chosen = {"share": share, "log_losses": {f"{tried:g}": loss for tried, loss in losses.items()}}
    weights.update(_between(callback.start, weights, share))
    AtomicCheckpointIO().save_checkpoint(content | {INTERPOLATION: chosen}, checkpoint)
    if losses and share < 1:
        say(
            f"kept {share:.0%} of what fine-tuning changed: validation log loss {losses[share]:.3f}; {losses[0]:.3f} without it, "
            f"{losses[1]:.3f} with all of it"
        )
    return chosen


def _between(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    if share == 1:  # to the last bit
        return {}
    return {name: torch.lerp(value, end[name].to(value), share) for name, value in start.items()}


def _log_loss(network: BestNetwork, weights: dict[str, Tensor], device: torch.device) -> float:
    """The mean log loss of validation photos, as ``val/loss``."""
    model, data, was_on = network.model, network.data, network.model.device
    model.load_state_dict(weights)
    photos = data.photos.in_split("val")
    indices = draw(len(photos), MOST_CHOOSING, data.seed)
    try:
        outputs = network_outputs(
            model.to(device),
            data,
            "val",
            indices,
            lambda images, cut: model.logits_and_features(images, cut)[0].float().softmax(1).cpu().numpy(),
            network.frozen_part,
        )
        chunks = list(outputs)
    finally:
        model.to(was_on)
    chosen, probabilities = (np.concatenate(column) for column in zip(*chunks, strict=True))
    return score(Predictions(chosen, photos.labels[chosen], probabilities), "log_loss")
