"""LeNet-5 (LeCun et al. 1998): the first convolutional network in wide use.

Source: LeCun, Bottou, Bengio and Haffner 1998, "Gradient-Based Learning Applied to Document
Recognition", section II-B, figure 2.

With one channel it has the paper's 60,000 trainable parameters up to F6: C1 156, S2 12, C3 1,516,
S4 32, C5 48,120, F6 10,164. The paper's output layer compares F6 with fixed drawings of the digits;
as classes have no such drawings, a trained linear layer takes its place (850 parameters for ten
classes).
"""

from typing import Any

import torch
from timm.layers import SelectAdaptivePool2d
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.models.backbones.base import Backbone, check_size, feature_info

default_cfgs = generate_default_cfgs(
    {"lenet5": {"input_size": (3, 32, 32), "num_classes": 10, "interpolation": "bilinear", "first_conv": "c1", "classifier": "fc"}}
)
SMALLEST = 32
"""Smallest side of an image in pixels, which leaves C5, the fifth layer, one position."""
TABLE_1 = (
    (0, 1, 2),
    (1, 2, 3),
    (2, 3, 4),
    (3, 4, 5),
    (0, 4, 5),
    (0, 1, 5),
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)
"""Maps of S2 (0 to 5) that each of C3's maps sees, so that they learn to differ (table I)."""


def squash(x: Tensor) -> Tensor:
    """``1.7159 tanh(2/3 x)``, which maps 1 to 1 and -1 to -1 (appendix A)."""
    return 1.7159 * torch.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """Averages squares of 2x2, and gives every channel a trained coefficient and bias.

    (B, C, H, W) -> (B, C, H/2, W/2).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        return functional.avg_pool2d(x, 2) * self.weight[:, None, None] + self.bias[:, None, None]


class PartialConv2d(nn.Module):
    """A 5x5 convolution whose output maps each see their own subset of the input maps.

    (B, C, H, W) -> (B, D, H-4, W-4).
    """

    inputs: Tensor
    outputs: Tensor

    def __init__(self, connections: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        outputs = [output for output, channels in enumerate(connections) for _ in channels]
        inputs = [channel for channels in connections for channel in channels]
        self.shape = (len(connections), max(inputs) + 1, 5, 5)
        self.weight = nn.Parameter(torch.empty(len(inputs), 5, 5))
        self.bias = nn.Parameter(torch.zeros(len(connections)))
        self.register_buffer("outputs", torch.tensor(outputs), persistent=False)
        self.register_buffer("inputs", torch.tensor(inputs), persistent=False)

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        # One dense convolution with zeros where nothing is connected is faster than sixteen small
        # ones.
        weight = self.weight.new_zeros(self.shape).index_put((self.outputs, self.inputs), self.weight)
        return functional.conv2d(x, weight, self.bias)


class LeNet5(Backbone):
    """C1-S2-C3-S4-C5-F6 and a linear classifier, with ``squash`` after each layer.

    (B, in_chans, H, W) -> (B, num_classes).

    Photos larger than 32 px leave several positions after C5, which are averaged. Without classes
    it returns F6. The paper's images have one channel.
    """

    def __init__(self, num_classes: int = 10, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg") -> None:
        super().__init__()
        self.num_classes, self.num_features, self.head_hidden_size = num_classes, 120, 84
        self.c1 = nn.Conv2d(in_chans, 6, 5)
        self.s2 = Subsampling(6)
        self.c3 = PartialConv2d(TABLE_1)
        self.s4 = Subsampling(16)
        self.c5 = nn.Conv2d(16, 120, 5)
        self.global_pool = SelectAdaptivePool2d(pool_type=global_pool, flatten=True)
        self.f6 = nn.Linear(120, 84)
        self.drop = nn.Dropout(drop_rate)
        self.fc = self.create_classifier(num_classes)
        self.feature_info = feature_info((6, 2, "s2"), (16, 4, "s4"), (120, 4, "c5"))
        self.init_weights()

    def init_weights(self) -> None:
        """Uniform within 2.4 / fan-in, so units start in the middle of their range (appendix A)."""
        for layer, inputs in ((self.c1, self.c1.in_channels * 25), (self.c5, 400), (self.f6, 120)):
            nn.init.uniform_(layer.weight, -2.4 / inputs, 2.4 / inputs)
        for filters in torch.split(self.c3.weight, [len(channels) for channels in TABLE_1]):
            nn.init.uniform_(filters, -2.4 / filters.numel(), 2.4 / filters.numel())

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions that group parameters from input to output."""
        return {"stem": r"^(?:c1|s2)", "blocks": [(r"^(?:c3|s4)", (0,)), (r"^c5", (1,)), (r"^f6", (2,))]}

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 120, H', W'), one position at 32 px."""
        check_size(x, SMALLEST, "LeNet-5")
        for layer in (self.c1, self.s2, self.c3, self.s4, self.c5):
            x = squash(layer(x))
        return x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(B, 120, H', W') -> (B, num_classes), or F6 (B, 84)."""
        x = self.drop(squash(self.f6(self.global_pool(x))))
        return x if pre_logits else self.fc(x)


@register_model
def lenet5(pretrained: bool = False, **kwargs: Any) -> LeNet5:
    """LeNet-5 for 32x32 pixels."""
    model: LeNet5 = build_model_with_cfg(LeNet5, "lenet5", pretrained, **kwargs)
    return model
