"""GoogLeNet (Szegedy et al. 2014): filters of several sizes, made cheap by 1x1 convolutions.

Source: Szegedy et al. 2014, "Going Deeper with Convolutions". The names and shapes of its tensors
are torchvision's, whose ImageNet weights load; so there is BatchNorm (Ioffe and Szegedy 2015), and
the filters that the paper's table 1 calls 5x5 are 3x3.
"""

from typing import Any

import torch
from timm.data import IMAGENET_INCEPTION_MEAN, IMAGENET_INCEPTION_STD
from timm.layers import SelectAdaptivePool2d
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.models.backbones.base import Backbone, check_size, feature_info, keep_start

CONFIG = {
    # torchvision's network takes ImageNet's mean and deviation first, but turns them into these.
    "mean": IMAGENET_INCEPTION_MEAN,
    "std": IMAGENET_INCEPTION_STD,
    "interpolation": "bilinear",
    "first_conv": "conv1.conv",
    "classifier": ("fc", "aux1.fc2", "aux2.fc2"),
}
default_cfgs = generate_default_cfgs(
    {
        "googlenet.tv_in1k": CONFIG
        | {
            "url": "https://download.pytorch.org/models/googlenet-1378be20.pth",
            "license": "bsd-3-clause",
            "origin_url": "https://github.com/pytorch/vision",
        },
        "googlenet_naive": CONFIG,
    }
)
SMALLEST = 15
"""Smallest side of an image in pixels, which leaves the last pooling one position."""
INCEPTIONS = {
    # Table 1: widths of 1x1, 3x3 reduce, 3x3, 5x5 reduce, 5x5, pool proj.
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
AUXILIARY = {"inception4a": "aux1", "inception4d": "aux2"}
"""The module whose output each auxiliary classifier takes."""


class ConvNorm(nn.Module):
    """Convolution, BatchNorm and ReLU. (B, inputs, H, W) -> (B, outputs, H', W')."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel_size, stride, padding=kernel_size // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return functional.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Four branches, joined by channel. (B, inputs, H, W) -> (B, self.outputs, H, W).

    ``naive`` leaves the 1x1 reductions out (figure 2a rather than 2b), which makes the pooled
    branch as wide as the input.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...], naive: bool) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = widths
        pool = nn.MaxPool2d(3, stride=1, padding=1)
        self.outputs = one + three + five + (inputs if naive else pooled)
        self.branch1 = ConvNorm(inputs, one, 1)
        if naive:
            self.branch2, self.branch3 = nn.Sequential(ConvNorm(inputs, three, 3)), nn.Sequential(ConvNorm(inputs, five, 3))
            self.branch4 = nn.Sequential(pool)
        else:
            self.branch2 = nn.Sequential(ConvNorm(inputs, reduce3, 1), ConvNorm(reduce3, three, 3))
            self.branch3 = nn.Sequential(ConvNorm(inputs, reduce5, 1), ConvNorm(reduce5, five, 3))
            self.branch4 = nn.Sequential(pool, ConvNorm(inputs, pooled, 1))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class AuxiliaryClassifier(nn.Module):
    """A classifier on the middle of the network, which gives it a gradient (section 5).

    (B, inputs, H, W) -> (B, num_classes).
    """

    def __init__(self, inputs: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvNorm(inputs, 128, 1)
        self.fc1 = nn.Linear(128 * 4 * 4, 1024)
        self.fc2 = _linear(1024, num_classes)
        self.dropout = nn.Dropout(0.7)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        x = torch.flatten(self.conv(functional.adaptive_avg_pool2d(x, 4)), 1)
        logits: Tensor = self.fc2(self.dropout(functional.relu(self.fc1(x), inplace=True)))
        return logits


def _layers(in_chans: int, naive: bool) -> tuple[dict[str, nn.Module], dict[str, int]]:
    """The layers up to global pooling by name, and the number of channels after each (table 1)."""
    layers: dict[str, nn.Module] = {
        "conv1": ConvNorm(in_chans, 64, 7, stride=2),
        "maxpool1": nn.MaxPool2d(3, 2, ceil_mode=True),
        "conv2": ConvNorm(64, 64, 1),
        "conv3": ConvNorm(64, 192, 3),
        "maxpool2": nn.MaxPool2d(3, 2, ceil_mode=True),
    }
    channels, widths = 192, {"conv1": 64, "conv2": 64, "conv3": 192}
    for name, row in INCEPTIONS.items():
        module = Inception(channels, row, naive)
        layers[name], channels = module, module.outputs
        widths[name] = channels
        if name == "inception3b":
            layers["maxpool3"] = nn.MaxPool2d(3, 2, ceil_mode=True)
        if name == "inception4e":
            layers["maxpool4"] = nn.MaxPool2d(2, 2, ceil_mode=True)
    return layers, widths


class GoogLeNet(Backbone):
    """Nine Inception modules and, in training, two auxiliary classifiers.

    (B, in_chans, H, W) -> (B, num_classes); in training ``(logits, aux2, aux1)``.

    An auxiliary classifier speaks while it is itself in training mode: where its parameters are
    frozen and it is put in evaluation mode, its loss could teach nothing, and it falls silent.

    Dropout is 0.4 in the paper; ``naive`` leaves out the Inception modules' 1x1 reductions.
    """

    def __init__(
        self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg", naive: bool = False
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        layers, widths = _layers(in_chans, naive)
        self.layer_names = tuple(layers)
        for name, layer in layers.items():
            self.add_module(name, layer)
        for name, auxiliary in AUXILIARY.items():
            self.add_module(auxiliary, AuxiliaryClassifier(widths[name], num_classes))
        self.num_features = self.head_hidden_size = widths["inception5b"]
        self.global_pool = SelectAdaptivePool2d(pool_type=global_pool, flatten=True)
        self.drop = nn.Dropout(drop_rate)
        self.fc = self.create_classifier(num_classes)
        deepest = {2: "conv1", 4: "conv3", 8: "inception3b", 16: "inception4e", 32: "inception5b"}
        self.feature_info = feature_info(*((widths[name], stride, name) for stride, name in deepest.items()))

    def no_pretrained(self) -> set[str]:
        """Names of tensors that weights may lack: many files have no auxiliary classifiers."""
        return {name for name in self.state_dict() if name.startswith("aux")}

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions that group parameters from input to output.

        An auxiliary classifier belongs to the group of the module whose output it takes.
        """
        depths = {name: int(name[-2]) if coarse else depth for depth, name in enumerate(INCEPTIONS)}
        hung_on = {name: name for name in INCEPTIONS} | {auxiliary: name for name, auxiliary in AUXILIARY.items()}
        return {"stem": r"^conv\d", "blocks": [(f"^{module}", (depths[name],)) for module, name in hung_on.items()]}

    def create_classifier(self, num_classes: int) -> nn.Module:
        """A new main classifier. (B, 1024) -> (B, num_classes)."""
        return _linear(self.head_hidden_size, num_classes)

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace all three classifiers' last layers, and the pooling if given."""
        super().reset_classifier(num_classes, global_pool)
        weight = next(self.parameters())
        for auxiliary in map(self.get_submodule, AUXILIARY.values()):
            auxiliary.fc2 = _linear(1024, num_classes).to(weight)

    def _forward_features(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The features, and the auxiliary classifiers' logits, the deepest first."""
        check_size(x, SMALLEST, "GoogLeNet")
        auxiliary: list[Tensor] = []
        for name in self.layer_names:
            x = self.get_submodule(name)(x)
            classifier = self.get_submodule(AUXILIARY[name]) if name in AUXILIARY else None
            if classifier is not None and classifier.training and self.num_classes:
                auxiliary.insert(0, classifier(x))
        return x, auxiliary

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 1024, H/32, W/32)."""
        return self._forward_features(x)[0]

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """(B, in_chans, H, W) -> (B, num_classes); in training also auxiliary logits."""
        x, auxiliary = self._forward_features(x)
        logits = self.forward_head(x)
        return (logits, *auxiliary) if auxiliary else logits


def _linear(inputs: int, num_classes: int) -> nn.Module:
    """A classifier whose first outputs are near 0, so that auxiliary losses do not dominate."""
    if not num_classes:
        return nn.Identity()
    layer = nn.Linear(inputs, num_classes)
    nn.init.normal_(layer.weight, std=0.01)
    nn.init.zeros_(layer.bias)
    return layer


def _create(variant: str, pretrained: bool, **kwargs: Any) -> GoogLeNet:
    model: GoogLeNet = build_model_with_cfg(GoogLeNet, variant, pretrained, pretrained_filter_fn=keep_start, **kwargs)
    return model


@register_model
def googlenet(pretrained: bool = False, **kwargs: Any) -> GoogLeNet:
    """GoogLeNet with 13,004,888 parameters for 1,000 classes, 6,624,904 of them in evaluation."""
    return _create("googlenet", pretrained, **kwargs)


@register_model
def googlenet_naive(pretrained: bool = False, **kwargs: Any) -> GoogLeNet:
    """GoogLeNet of naive Inception modules, without the 1x1 reductions (section 4)."""
    return _create("googlenet_naive", pretrained, naive=True, **kwargs)
