"""Takes back what fine-tuning changed where that was no good for the validation photos (WiSE-FT).

Wortsman et al. 2022, "Robust fine-tuning of zero-shot models", section 3. Here the network that
fine-tuning starts from is the pretrained one with a solved head. Validation photos are few, so all
is kept unless less is better by more than one standard error, a rule of Breiman et al. 1984,
"Classification and regression trees", section 3.4.3.
"""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from lightning.pytorch import Trainer
from torch import Tensor

from posture_classifier.callbacks.interpolate_weights import InterpolateWeights
from posture_classifier.data.network_outputs import network_outputs
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.models.checkpoint import INTERPOLATION, load_plain
from posture_classifier.training.best_checkpoint import BestNetwork, draw
from posture_classifier.training.checkpoint_io import AtomicCheckpointIO
from posture_classifier.utils.console import say
from posture_classifier.utils.types import Floats

SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
"""Of what fine-tuning changed; the first that is about as good as the best is taken."""
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


def choose_share(losses: dict[float, Floats], groups: npt.NDArray[np.str_]) -> float:
    """Choose the largest share that is worse than the best by no more than one standard error.

    Args:
        losses: Log losses (N,) of photos, for each share.
        groups: The photos' groups (N,), which are independent of each other.

    Example:
        >>> losses = {1.0: np.array([0.5, 0.1, 0.3]), 0.0: np.array([0.1, 0.2, 0.3])}
        >>> choose_share(losses, np.array(["anna", "ben", "carla"]))
        1.0
    """
    best = min(losses, key=lambda share: losses[share].mean())
    worse = {share: losses[share] - losses[best] for share in losses}
    return max(share for share, excess in worse.items() if excess.mean() <= _standard_error(excess, groups))


def _standard_error(values: Floats, groups: npt.NDArray[np.str_]) -> float:
    """Of the mean of values (N,), of which those of one group depend on each other."""
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], values - values.mean())
    return float(np.sqrt(np.square(sums).sum()) / len(values))


def _interpolate(
    callback: InterpolateWeights, checkpoint: Path, network: BestNetwork, device: torch.device
) -> dict[str, Any] | None:
    content = load_plain(checkpoint)
    if (done := content.get(INTERPOLATION)) is not None:
        return dict(done)
    weights, share, means = content["state_dict"], callback.share, {}
    if share is None:
        if not network.data.has_val:
            return None
        tried = {each: _validate(network, weights | _between(callback.start, weights, each), device) for each in SHARES}
        groups = np.asarray(network.data.photos.in_split("val").groups)[tried[1].indices]
        share = choose_share({each: predictions.losses for each, predictions in tried.items()}, groups)
        means = {each: float(predictions.losses.mean()) for each, predictions in tried.items()}
    chosen = {"share": share, "log_losses": {f"{each:g}": mean for each, mean in means.items()}}
    weights.update(_between(callback.start, weights, share))
    AtomicCheckpointIO().save_checkpoint(content | {INTERPOLATION: chosen}, checkpoint)
    if means and share < 1:
        say(
            f"kept {share:.0%} of what fine-tuning changed: validation log loss {means[share]:.3f}; {means[0]:.3f} without it, "
            f"{means[1]:.3f} with all of it"
        )
    return chosen


def _between(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    if share == 1:  # to the last bit
        return {}
    return {name: torch.lerp(value, end[name].to(value), share) for name, value in start.items()}


def _validate(network: BestNetwork, weights: dict[str, Tensor], device: torch.device) -> Predictions:
    """Predict some validation photos, in order."""
    model, data, was_on = network.model, network.data, network.model.device
    photos = data.photos.in_split("val")
    model.load_state_dict(weights)
    try:
        outputs = network_outputs(
            model.to(device),
            data,
            "val",
            draw(len(photos), MOST_CHOOSING, data.seed),
            lambda images, cut: model.logits_and_features(images, cut)[0].float().softmax(1).cpu().numpy(),
            network.frozen_part,
        )
        indices, probabilities = (np.concatenate(column) for column in zip(*outputs, strict=True))
    finally:
        model.to(was_on)
    return Predictions.unique(indices, photos.labels[indices], probabilities)
