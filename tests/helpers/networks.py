"""Networks of every family, and what their parts must agree in."""

import torch
from torch import nn

from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.all_stages_head import Head
from posture_classifier.models.frozen_prefix import Cut
from posture_classifier.models.stages import stages
from posture_classifier.models.weights import create_backbone


@torch.no_grad()
def learn_statistics(network: nn.Module) -> None:
    """Make norm layers differ from their start, so that outputs differ from image to image."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.momentum = 1.0
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
    network.train()(torch.rand(4, 3, 96, 96))


ONE_OF_EACH_FILE = (
    "lenet5",
    "alexnet",
    "nin",
    "googlenet",
    "cifar_resnet14",
    "cifar_highway20",
    "deformable_resnet18_v2",
    "inception_v3_aux",
)
"""Networks of ours: each file of ``models/backbones``, and both kinds of CIFAR network."""
SMALL = ("resnet18", "seresnet18", "deformable_resnet18_v2", "convnext_atto", "regnetx_002", "vgg11", "alexnet", "densenet121")
SIZES = dict.fromkeys((*SMALL, "googlenet", "nin"), 64) | {"lenet5": 32, "inception_v3": 96}
"""Side in pixels at which a network is tested; others are tested at their own size."""
LARGE = {"vgg11", "pit_s_224", "rdnet_tiny", "swin_tiny_patch4_window7_224", "inception_v3_aux", "inception_v3", "alexnet"}
"""Networks that take seconds to build and to run at their smallest size."""


def opened(name: str, n_open: int, drop_rate: float = 0.0, head: Head = "last_stage") -> nn.Module:
    backbone, _ = create_backbone(name, 3, pretrained=False, image_size=SIZES.get(name), drop_rate=drop_rate, head=head)
    parameters = dict(backbone.named_parameters())
    for depth, stage in enumerate(reversed(stages(backbone))):
        for parameter in stage.parameters:
            parameters[parameter].requires_grad = depth < n_open
    set_modes(backbone, training=True, keep_statistics=False)
    return backbone


def as_tuple(outputs: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return outputs if isinstance(outputs, tuple) else (outputs,)


def check_cut(backbone: nn.Module, cut: Cut, size: int) -> torch.Tensor:
    """Prefix and suffix give the whole's output in both modes; returns the features."""
    images = torch.rand(3, 3, size, size)
    kept = cut.prefix(images)
    assert not kept.requires_grad
    # In training, statistics of three photos' single positions magnify the last bit.
    for tolerance in (0.05, 1e-4):
        torch.manual_seed(1)
        whole = as_tuple(backbone(images))
        torch.manual_seed(1)
        for one, other in zip(as_tuple(cut.suffix(kept)), whole, strict=True):
            torch.testing.assert_close(one, other, rtol=tolerance, atol=tolerance * float(other.abs().max()))
            assert one.requires_grad
        backbone.eval()
    return kept


# One of each family that the README names, the smallest that timm has.
FAMILIES = [
    "resnet18",
    "vgg11",
    "densenet121",
    "seresnet18",
    "tf_efficientnet_lite0",
    "mobilenetv3_small_050",
    "convnext_atto",
    "regnetx_002",
    "inception_v3",
    "vit_tiny_patch16_224",
    "deit_tiny_distilled_patch16_224",
    "swin_tiny_patch4_window7_224",
    "pit_s_224",  # its matcher forgets the class token
    "rdnet_tiny",  # its matcher knows fine groups only
    *ONE_OF_EACH_FILE,
]
