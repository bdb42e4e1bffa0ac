"""NIN (Lin et al. 2013): a small perceptron at each position, and no fully connected layer.

Source: Lin, Chen and Yan 2013, "Network In Network". The paper's own networks are for small
pictures; this is the form for ImageNet that the authors published for Caffe: the mlpconv layers and
global average pooling of sections 3.1 and 3.2 on AlexNet's strides, 7,595,176 parameters for 1,000
classes. Unlike there, class maps are not rectified: a logit has to be able to fall below zero.
"""

from typing import Any

from timm.layers import SelectAdaptivePool2d
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from posture_classifier.models.backbones.base import Backbone, check_size, feature_info

default_cfgs = generate_default_cfgs({"nin": {"interpolation": "bilinear", "first_conv": "mlpconv1.0", "classifier": "classifier"}})
SMALLEST = 39
"""Smallest side of an image in pixels, which leaves the last pooling one position."""


def mlpconv(inputs: int, width: int, kernel_size: int, stride: int = 1, padding: int = 0, n_mixing: int = 2) -> nn.Sequential:
    """A convolution, and 1x1 convolutions that mix its channels like a perceptron (section 3.1).

    (B, inputs, H, W) -> (B, width, H', W').
    """
    layers = [nn.Conv2d(inputs, width, kernel_size, stride, padding), nn.ReLU(inplace=True)]
    for _ in range(n_mixing):
        layers += [nn.Conv2d(width, width, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class NIN(Backbone):
    """Four mlpconv layers, the last of which ends in one map per class.

    (B, in_chans, H, W) -> (B, num_classes).

    Dropout is before the last mlpconv layer, 0.5 with the authors. ``global_pool`` is how a class
    map becomes a logit; the paper averages (section 3.2).
    """

    classifier_path = "classifier"

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg") -> None:
        super().__init__()
        self.num_classes, self.num_features, self.head_hidden_size = num_classes, 1024, 1024
        self.mlpconv1 = mlpconv(in_chans, 96, 11, stride=4)
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.mlpconv2 = mlpconv(96, 256, 5, padding=2)
        self.pool2 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.mlpconv3 = mlpconv(256, 384, 3, padding=1)
        self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.drop = nn.Dropout(drop_rate)
        self.mlpconv4 = mlpconv(384, 1024, 3, padding=1, n_mixing=1)
        self.classifier = self.create_classifier(num_classes)
        self.global_pool = SelectAdaptivePool2d(pool_type=global_pool, flatten=True)
        self.feature_info = feature_info((96, 4, "mlpconv1"), (256, 8, "mlpconv2"), (384, 16, "mlpconv3"), (1024, 32, "mlpconv4"))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                # Twelve layers in a row without normalisation would not pass a signal on from
                # torch's default.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions that group parameters from input to output, an mlpconv layer each."""
        return {"stem": r"^mlpconv1", "blocks": r"^mlpconv(\d)"}

    def create_classifier(self, num_classes: int) -> nn.Module:
        """A 1x1 convolution whose output maps are the classes."""
        return nn.Conv2d(self.head_hidden_size, num_classes, 1) if num_classes else nn.Identity()

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 1024, H', W'), 6x6 at 224 px."""
        check_size(x, SMALLEST, "NIN")
        for layer in (self.mlpconv1, self.pool1, self.mlpconv2, self.pool2, self.mlpconv3, self.pool3, self.drop, self.mlpconv4):
            x = layer(x)
        return x

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(B, 1024, H', W') -> (B, num_classes), or the pooled features (B, 1024).

        The logits are a linear function of the pooled features.
        """
        logits: Tensor = self.global_pool(x if pre_logits else self.classifier(x))
        return logits


@register_model
def nin(pretrained: bool = False, **kwargs: Any) -> NIN:
    """Network in Network for ImageNet."""
    kwargs.setdefault("feature_cfg", {"out_indices": (0, 1, 2, 3)})
    model: NIN = build_model_with_cfg(NIN, "nin", pretrained, **kwargs)
    return model
