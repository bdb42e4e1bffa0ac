"""Where in a photo a network found what speaks for a class: Grad-CAM (Selvaraju et al. 2017)."""

from math import isqrt
from typing import Any

import torch
from captum.attr import LayerAttribution, LayerGradCam
from torch import Tensor, nn

MIN_SIDE = 4
"""Fields a side that a map needs at least: fewer say nothing about where."""
BATCH = 8


def grad_cam(backbone: nn.Module, images: Tensor, labels: Tensor) -> Tensor | None:
    """Maps (B, H, W) of what speaks for each photo's class, from 0 to 1 at its strongest place; all 0 where nothing does.

    They are of the last layer with a map of at least ``MIN_SIDE`` fields a side on which the answer depends: of a convolutional
    network that is its last stage or the one before, of a transformer its last block but one, since after that only the class
    token is asked. Of what a head that sees all stages is shown, they leave out all but the last map. A channel's weight is the
    mean gradient of the class's log-odds, rather than of its logit: of two classes, only the difference of their logits decides.

    Args:
        backbone: In evaluation mode; its weights stay as they are.
        images: (B, 3, H, H), normalised.
        labels: (B,) the class that each map is about.

    Returns:
        None if the network has no such layer.
    """
    layer = _layer(backbone, images[:1], labels[:1])
    if layer is None:
        return None
    grid = _Grid()
    # Captum wants channels before positions; this shows it any layer's answer so, on its way to the next.
    hook = layer.register_forward_hook(lambda _, __, output: grid.passed(output, _prefix_tokens(backbone)))
    try:
        explain = LayerGradCam(lambda batch: _log_odds(backbone(batch)), grid)
        pairs = zip(torch.split(images, BATCH), torch.split(labels, BATCH), strict=True)
        maps: Tensor = torch.cat([explain.attribute(*pair, relu_attributions=True).detach() for pair in pairs])
    finally:
        hook.remove()
    maps = LayerAttribution.interpolate(maps.float(), tuple(images.shape[2:]), "bilinear")[:, 0]
    return maps / maps.amax((1, 2), keepdim=True).clamp(min=1e-12)


class _Grid(nn.Module):
    """Hands on a map (B, C, H, W)."""

    def forward(self, image: Tensor) -> Tensor:
        return image

    def passed(self, output: Tensor, prefix: int) -> Tensor:
        """What a layer answered, having gone through this module as a map; a copy, since later layers may work in place."""
        kind = _kind(output, prefix)
        result: Tensor
        if kind == "channels first":
            result = self(output).clone()
        elif kind == "channels last":
            result = self(output.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).clone()
        else:
            tokens, side = output[:, prefix:], isqrt(output.shape[1] - prefix)
            image = self(tokens.transpose(1, 2).reshape(len(tokens), -1, side, side))
            result = torch.cat([output[:, :prefix], image.flatten(2).transpose(1, 2)], dim=1)
        return result


def _layer(backbone: nn.Module, image: Tensor, label: Tensor) -> nn.Module | None:
    """The last that answers with a map on which the result depends."""
    parents = [backbone, *(module for module in backbone.modules() if isinstance(module, (nn.Sequential, nn.ModuleList)))]
    answers: dict[nn.Module, Tensor] = {}

    def answered(module: nn.Module, _: Any, output: Any) -> None:
        answers.pop(module, None)  # the last time counts
        if isinstance(output, Tensor) and output.requires_grad and _kind(output, _prefix_tokens(backbone)):
            answers[module] = output

    # Inside a block there are maps of another kind, such as who attends to whom.
    hooks = [child.register_forward_hook(answered) for parent in parents for child in set(parent.children())]
    try:
        with torch.enable_grad():
            score = _log_odds(backbone(image.detach().requires_grad_()))[0, label[0]]
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.autograd.grad(score, list(answers.values()), allow_unused=True) if answers else []
    for (module, output), gradient in reversed(list(zip(answers.items(), gradients, strict=True))):
        start = _prefix_tokens(backbone) if output.ndim == 3 else 0
        if gradient is not None and bool(gradient[:, start:].any()):
            return module
    return None


def _kind(output: Tensor, prefix: int) -> str | None:
    """How a layer's answer to square images is laid out, if it is a map with enough fields."""
    shape = output.shape
    if len(shape) == 4 and shape[2] == shape[3] >= MIN_SIDE:
        return "channels first"
    if len(shape) == 4 and shape[1] == shape[2] >= MIN_SIDE:
        return "channels last"
    if len(shape) == 3 and (side := isqrt(max(shape[1] - prefix, 0))) >= MIN_SIDE and side**2 == shape[1] - prefix:
        return "tokens"
    return None


def _prefix_tokens(backbone: nn.Module) -> int:
    """Of a transformer: those before the ones of the photo's fields."""
    return int(getattr(backbone, "num_prefix_tokens", 0))


def _log_odds(logits: Tensor) -> Tensor:
    """(B, C) logarithm of how much more probable a class is than all others together."""
    n_classes = logits.shape[1]
    own = torch.eye(n_classes, dtype=torch.bool, device=logits.device)
    others = logits[:, None].expand(-1, n_classes, -1).masked_fill(own, -torch.inf).logsumexp(2)
    return logits - others
