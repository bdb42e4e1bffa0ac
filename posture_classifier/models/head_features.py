"""The features that a network's classifier sees, handed out beside the logits."""

import threading
from collections.abc import Callable

import torch
from torch import Tensor, nn

from posture_classifier.models.stages import classifiers


class _ThisThread(threading.local):
    """What the classifier saw in the forward pass that this thread is in, where that is wanted."""

    kept: list[Tensor] | None = None


_this_thread = _ThisThread()


def hand_out_features(backbone: nn.Module) -> None:
    """Prepare a network for ``forward_with_features``; its outputs stay as they are.

    Of a distilled transformer's two classifiers the first counts.
    """
    classifiers(backbone)[0].register_forward_pre_hook(_keep)


def forward_with_features(forward: Callable[[Tensor], Tensor], images: Tensor) -> tuple[Tensor, Tensor]:
    """Compute logits (B, C) of images, and the features (B, D) that they were computed from.

    The forward pass is that of a network that ``hand_out_features`` has prepared. Several threads
    may do so at once. A map (B, D, H, W) before a convolutional classifier is averaged over its
    positions.
    """
    kept: list[Tensor] = []
    _this_thread.kept = kept
    try:
        logits = forward(images)
    finally:
        _this_thread.kept = None
    return logits, kept[-1]


def count_features(backbone: nn.Module) -> int:
    """Number of features that a network's classifier sees: D."""
    return int(next(p for p in classifiers(backbone)[0].parameters() if p.ndim > 1).shape[1])


def _keep(classifier: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    if _this_thread.kept is None:
        return
    features = inputs[0]
    if features.ndim > 2:
        # Channels are the second dimension before a convolution, and the last one before a linear
        # layer.
        is_map = isinstance(classifier, nn.Conv2d)
        features = features.flatten(2).mean(2) if is_map else features.flatten(1, -2).mean(1)
    _this_thread.kept.append(features.to(torch.promote_types(features.dtype, torch.float32)))
