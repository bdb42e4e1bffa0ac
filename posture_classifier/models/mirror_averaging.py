"""Averages what a network says of a photo and of its mirror image.

Source: Simonyan and Zisserman 2014, "Very deep convolutional networks for large-scale image
recognition", section 3.2, who average probabilities; here it is the logits, so that a linear head
answers as for the mean of both features.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def with_mirrored(images: Tensor) -> Tensor:
    """Put its mirror image after each of the images: (B, 3, H, W) -> (2 * B, 3, H, W)."""
    return torch.stack([images, images.flip(-1)], dim=1).flatten(0, 1)


def mean_of_pairs(logits: Tensor) -> Tensor:
    """Average each two successive rows: (2 * B, C) -> (B, C)."""
    return logits.reshape(-1, 2, logits.shape[1]).mean(1)


def average_mirrored(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Make a forward pass (B, 3, H, W) -> (B, C) the mean over images and their mirror images.

    Both go through the network in one batch, so it takes twice as long.

    Example:
        >>> left_half = average_mirrored(lambda images: images[..., :2].mean((2, 3)))
        >>> left_half(torch.tensor([1.0, 1.0, 0.0, 0.0]).expand(1, 3, 4, 4))
        tensor([[0.5000, 0.5000, 0.5000]])
    """
    return lambda images: mean_of_pairs(forward(with_mirrored(images)))
