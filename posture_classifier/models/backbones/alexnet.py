"""AlexNet (Krizhevsky et al. 2012): the network that made deep learning win ImageNet.

Sources: Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification with Deep Convolutional
Neural Networks"; the widths are those of the form in one tower, without local response
normalisation: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks".
The names of its tensors are torchvision's, whose ImageNet weights load.
"""

from typing import Any

import torch
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn

from posture_classifier.models.backbones.base import Backbone, check_size

default_cfgs = generate_default_cfgs(
    {
        "alexnet.tv_in1k": {
            "url": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
            "interpolation": "bilinear",
            "first_conv": "features.0",
            "classifier": "classifier.6",
            "license": "bsd-3-clause",
            "origin_url": "https://github.com/pytorch/vision",
        }
    }
)
SMALLEST = 63
"""Smallest side of an image in pixels, which leaves the last pooling one position."""


class AlexNet(Backbone):
    """Five convolutions and three fully connected layers. (B, in_chans, H, W) -> (B, num_classes).

    Args:
        num_classes: Number of outputs; 0 returns the 4,096 features of the second fully connected
            layer.
        in_chans: Number of channels of the images.
        drop_rate: Dropout before both hidden fully connected layers; the paper's is 0.5 (section
            4.2).
        global_pool: Only ``avg``: the fully connected layers want 6x6 positions, to which other
            sizes are averaged.
    """

    classifier_path = "classifier.6"

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg") -> None:
        super().__init__()
        self._check_pool(global_pool)
        self.num_classes, self.num_features, self.head_hidden_size = num_classes, 256, 4096
        self.features = nn.Sequential(
            nn.Conv2d(in_chans, 64, 11, stride=4, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2),
        )
        self.global_pool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(drop_rate),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(drop_rate),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            self.create_classifier(num_classes),
        )
        self.feature_info = [
            {"num_chs": channels, "reduction": reduction, "module": f"features.{layer}"}
            for channels, reduction, layer in ((64, 4, 1), (192, 8, 4), (256, 16, 11), (256, 32, 12))
        ]

    @staticmethod
    def _check_pool(global_pool: str | None) -> None:
        if global_pool not in (None, "avg"):
            raise ValueError(f"AlexNet averages to 6x6 positions and knows no global_pool {global_pool!r}; leave it out")

    def group_matcher(self, coarse: bool = False) -> dict[str, Any]:
        """Regular expressions that group parameters from input to output, a layer each."""
        return {"stem": r"^features\.0", "blocks": r"^features\.(\d+)", "hidden": r"^classifier\.([14])\."}

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last fully connected layer."""
        self._check_pool(global_pool)
        super().reset_classifier(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 256, H', W'), 6x6 at 224 px."""
        check_size(x, SMALLEST, "AlexNet")
        features: Tensor = self.features(x)
        return features

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(B, 256, H', W') -> (B, num_classes), or the features before the classifier (B, 4096)."""
        x = self.classifier[:-1](torch.flatten(self.global_pool(x), 1))
        return x if pre_logits else self.classifier[-1](x)


@register_model
def alexnet(pretrained: bool = False, **kwargs: Any) -> AlexNet:
    """AlexNet on one GPU: 61,100,840 parameters for 1,000 classes."""
    kwargs.setdefault("feature_cfg", {"flatten_sequential": True, "out_indices": (0, 1, 2, 3)})
    model: AlexNet = build_model_with_cfg(AlexNet, "alexnet", pretrained, **kwargs)
    return model
