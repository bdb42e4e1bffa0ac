"""Grad-CAM (Selvaraju et al. 2017): maps of the places in a photo that speak for a class."""

from collections.abc import Sequence
from contextlib import ExitStack
from math import isqrt
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.mirror_averaging import average_mirrored

MIN_SIDE = 4
"""Fewest positions per side of a map that Grad-CAM is computed on."""
BATCH_SIZE = 8
"""Photos per forward and backward pass."""
FLAT = 0.75
"""Share of a map at half its maximum or above from which it is lit all over, and tells nothing.

Of 56 maps of the demo (its 10 errors and 46 other test photos, seed 0), looked at one by one: up to
0.70 some part of the person stands out (11 maps), from 0.90 on nothing does (43); two lie between,
of which that at 0.77 says little and that at 0.84 nothing. Of the 10 errors 6 keep their map.
Entropy orders the maps alike, on a scale of 0.94 to 1.00 that is hard to read.
"""


def grad_cam(backbone: nn.Module, images: Tensor, labels: Tensor, averages: bool = False) -> Tensor | None:
    """Compute maps (B, H, W) of what speaks for each photo's class.

    A map is 1 at its strongest place, and 0 everywhere if nothing speaks for the class.

    The maps are those of the last layer that has at least 4 x 4 positions and that the logits
    depend on: the last stage of a convolutional network or the one before, the last block but one
    of a transformer, since its head then only uses the class token. With an all-stages head they
    leave out all maps but the last. A channel's weight is the mean gradient of the class's log-odds
    rather than of its logit: of two classes, only the difference of their logits decides.

    Args:
        backbone: A network in evaluation mode; its weights are not changed.
        images: Normalised square images (B, 3, H, H).
        labels: The class (B,) that each map is about.
        averages: Whether the network's logits are the mean over images and their mirror images;
            then a map is the sum of what both show.

    Returns:
        The maps, or None if the network has no such layer.
    """
    layer = _last_layer_with_map(backbone, images[:1], labels[:1])
    if layer is None:
        return None
    view = _MapView()
    # Captum needs channels before positions; every layer's output passes through this module in
    # that layout.
    with layer.register_forward_hook(lambda _, __, output: view.pass_through(output, _n_prefix_tokens(backbone))):
        forward = average_mirrored(backbone) if averages else backbone
        explain = LayerGradCam(lambda batch: _log_odds(forward(batch)), view)
        pairs = zip(torch.split(images, BATCH_SIZE), torch.split(labels, BATCH_SIZE), strict=True)
        maps: Tensor = torch.cat([explain.attribute(*pair, relu_attributions=True).detach() for pair in pairs])
    if averages:
        maps = maps[::2] + maps[1::2].flip(-1)
    maps = LayerAttribution.interpolate(maps.float(), tuple(images.shape[2:]), "bilinear")[:, 0]
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-12)


def explain_squares(model: PostureClassifier, squares: Sequence[npt.NDArray[np.uint8]], labels: Sequence[int]) -> Tensor | None:
    """Compute Grad-CAM maps (N, S, S) from 0 to 1, on the CPU, of N photos of pixels (S, S, 3).

    They are None if the network, which is in evaluation mode, has no layer that keeps places apart.
    """
    device = next(model.parameters()).device
    pixels = torch.from_numpy(np.stack(list(squares)).transpose(0, 3, 1, 2))
    images = model.preprocessing.normalise(pixels.to(device)).contiguous(memory_format=torch.channels_last)
    maps = grad_cam(model.backbone, images, torch.tensor(labels, device=device), model.averages)
    return None if maps is None else maps.cpu()


def is_flat(maps: Tensor) -> Tensor:
    """Tell which (B,) of the maps (B, H, W) show no place: nothing or nearly everything is lit.

    Example:
        >>> one_corner, all_over = torch.zeros(4, 4), torch.linspace(0.6, 1, 16).view(4, 4)
        >>> one_corner[0, 0] = 1
        >>> is_flat(torch.stack([one_corner, all_over, torch.zeros(4, 4)]))
        tensor([False,  True,  True])
    """
    return ((maps >= 0.5).float().mean((1, 2)) >= FLAT) | (maps.amax((1, 2)) == 0)


class _MapView(nn.Module):
    """Returns a map (B, C, H, W) unchanged, so that captum can hook it."""

    def forward(self, image: Tensor) -> Tensor:
        return image

    def pass_through(self, output: Tensor, n_prefix: int) -> Tensor:
        """Pass a layer's output through this module as a map.

        The result is a copy, since later layers may work in place.
        """
        layout = _layout(output, n_prefix)
        result: Tensor
        if layout == "channels first":
            result = self(output).clone()
        elif layout == "channels last":
            result = self(output.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).clone()
        else:
            tokens, side = output[:, n_prefix:], isqrt(output.shape[1] - n_prefix)
            image = self(tokens.transpose(1, 2).reshape(len(tokens), -1, side, side))
            result = torch.cat([output[:, :n_prefix], image.flatten(2).transpose(1, 2)], dim=1)
        return result


def _last_layer_with_map(backbone: nn.Module, image: Tensor, label: Tensor) -> nn.Module | None:
    """The last layer that returns a map with positions on which the logits depend."""
    parents = [backbone, *(module for module in backbone.modules() if isinstance(module, (nn.Sequential, nn.ModuleList)))]
    maps: dict[nn.Module, Tensor] = {}

    def collect(module: nn.Module, _: Any, output: Any) -> None:
        maps.pop(module, None)  # of several calls the last counts
        if isinstance(output, Tensor) and output.requires_grad and _layout(output, _n_prefix_tokens(backbone)):
            maps[module] = output

    # Only children of containers: modules inside a block also return other matrices, such as
    # attention weights.
    with ExitStack() as stack, torch.enable_grad():
        for child in [child for parent in parents for child in set(parent.children())]:
            stack.enter_context(child.register_forward_hook(collect))
        score = _log_odds(backbone(image.detach().requires_grad_()))[0, label[0]]
    gradients = torch.autograd.grad(score, list(maps.values()), allow_unused=True) if maps else []
    for (module, output), gradient in reversed(list(zip(maps.items(), gradients, strict=True))):
        first_position = _n_prefix_tokens(backbone) if output.ndim == 3 else 0
        if gradient is not None and bool(gradient[:, first_position:].any()):
            return module
    return None


def _layout(output: Tensor, n_prefix: int) -> str | None:
    """The layout of a layer's output for square images; None if it is not a large enough map."""
    shape = output.shape
    if len(shape) == 4 and shape[2] == shape[3] >= MIN_SIDE:
        return "channels first"
    if len(shape) == 4 and shape[1] == shape[2] >= MIN_SIDE:
        return "channels last"
    if len(shape) == 3 and (side := isqrt(max(shape[1] - n_prefix, 0))) >= MIN_SIDE and side**2 == shape[1] - n_prefix:
        return "tokens"
    return None


def _n_prefix_tokens(backbone: nn.Module) -> int:
    """Number of tokens, such as the class token, that a transformer has before those of patches."""
    return int(getattr(backbone, "num_prefix_tokens", 0))


def _log_odds(logits: Tensor) -> Tensor:
    """Log-odds (B, C) of each class against all others together."""
    n_classes = logits.shape[1]
    own = torch.eye(n_classes, dtype=torch.bool, device=logits.device)
    others = logits[:, None].expand(-1, n_classes, -1).masked_fill(own, -torch.inf).logsumexp(2)
    return logits - others
