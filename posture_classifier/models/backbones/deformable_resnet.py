"""Deformable ResNet (Dai et al. 2017): 3x3 convolutions that learn where to look.

Sources: Dai et al. 2017, "Deformable Convolutional Networks", section 4 (v1: the 3x3 convolutions
of the last stage); Zhu et al. 2018, "Deformable ConvNets v2: More Deformable, Better Results",
section 3 (``_v2``: those of the last three stages, with modulation). Built on timm's ResNet, whose
tensors keep their names: weights of the plain ResNet load, and the network starts as exactly that
ResNet.
"""

from dataclasses import replace
from typing import Any

import timm
import torch
from timm.models import build_model_with_cfg, generate_default_cfgs
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import Tensor, nn
from torch.utils.flop_counter import conv_flop_count, register_flop_formula
from torchvision.ops import deform_conv2d

from posture_classifier.models.backbones.base import keep_start, register_variant

PLAIN = {
    "resnet18": {"block": BasicBlock, "layers": (2, 2, 2, 2)},
    "resnet34": {"block": BasicBlock, "layers": (3, 4, 6, 3)},
    "resnet50": {"block": Bottleneck, "layers": (3, 4, 6, 3)},
}
"""The ResNets by timm's names, and what they are made of (He et al. 2015, table 1)."""
default_cfgs = generate_default_cfgs(
    {
        # Read timm's own file of the plain ResNet, under a tag that names it.
        f"deformable_{plain}{version}.{timm.get_pretrained_cfg(plain).tag}": replace(timm.get_pretrained_cfg(plain))
        for plain in PLAIN
        for version in ("", "_v2")
    }
)


@register_flop_formula(torch.ops.torchvision.deform_conv2d)
def deform_conv_flops(x_shape: list[int], w_shape: list[int], *_: Any, out_shape: list[int], **__: Any) -> int:
    """Operations of the deformable convolution itself, for torch's counter.

    Its offsets are predicted by an ordinary convolution, which is counted already.
    """
    return conv_flop_count(x_shape, w_shape, out_shape)


class DeformableConv2d(nn.Conv2d):
    """A convolution that moves each of its samples by a learnt offset, per position.

    (B, C, H, W) -> (B, D, H', W').

    ``offset`` predicts the offsets, and where ``modulated`` also the weight of each sample, from
    the same input. It starts at zero: no sample moves, and all weigh 1, so the layer starts as the
    convolution that it replaces.
    """

    def __init__(self, plain: nn.Conv2d, modulated: bool) -> None:
        size, stride, padding = plain.kernel_size, plain.stride, plain.padding
        super().__init__(plain.in_channels, plain.out_channels, size, stride, padding, plain.dilation, bias=False)  # type: ignore[arg-type]
        self.weight = plain.weight
        self.n_samples = size[0] * size[1]
        self.modulated = modulated
        n_predicted = (3 if modulated else 2) * self.n_samples
        self.offset = nn.Conv2d(plain.in_channels, n_predicted, size, stride, padding, plain.dilation)  # type: ignore[arg-type]
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        # torchvision computes in float32 or float64 only, whatever the precision of the training.
        dtype, exact = x.dtype, torch.promote_types(x.dtype, torch.float32)
        predicted = self.offset(x).to(exact)
        offset, mask = predicted[:, : 2 * self.n_samples], None
        if self.modulated:
            # Twice the paper's sigmoid, which starts at 0.5: the plain ResNet's activations stay
            # what they were.
            mask = 2 * predicted[:, 2 * self.n_samples :].sigmoid()
        weight = self.weight.to(exact)
        moved: Tensor = deform_conv2d(x.to(exact), offset, weight, None, self.stride, self.padding, self.dilation, mask)
        return moved.to(dtype)


class DeformableResNet(ResNet):  # type: ignore[misc]
    """timm's ResNet with deformable 3x3 convolutions in its last stages.

    (B, in_chans, H, W) -> (B, num_classes). ``modulated`` weighs samples too (v2).
    """

    def __init__(self, deformable: tuple[str, ...], modulated: bool, **options: Any) -> None:
        super().__init__(**options)
        for stage in deformable:
            for path, layer in list(self.get_submodule(stage).named_modules(prefix=stage)):
                if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
                    parent, _, name = path.rpartition(".")
                    setattr(self.get_submodule(parent), name, DeformableConv2d(layer, modulated))

    def no_pretrained(self) -> set[str]:
        """Names of tensors that weights may lack, as the plain ResNet's do; they start at zero."""
        return {name for name in self.state_dict() if ".offset." in name}


def _create(plain: str, version: str, pretrained: bool = False, **kwargs: Any) -> DeformableResNet:
    options = PLAIN[plain] | {"deformable": ("layer2", "layer3", "layer4") if version else ("layer4",), "modulated": bool(version)}
    model: DeformableResNet = build_model_with_cfg(
        DeformableResNet, f"deformable_{plain}{version}", pretrained, pretrained_filter_fn=keep_start, **options, **kwargs
    )
    return model


for _plain in PLAIN:
    for _version in ("", "_v2"):
        register_variant(f"deformable_{_plain}{_version}", _create, _plain, _version, module=__name__)
