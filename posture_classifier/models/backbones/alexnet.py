"""AlexNet (Krizhevsky et al. 2012): the network that made deep learning win ImageNet.

Sources: Krizhevsky, Sutskever and Hinton 2012, "ImageNet Classification with Deep Convolutional
Neural Networks", which ``alexnet_two_groups`` follows. ``alexnet`` is the later form in one tower,
without local response normalisation: Krizhevsky 2014, "One weird trick for parallelizing
convolutional neural networks". The names of its tensors are torchvision's, whose ImageNet weights
load.
"""

from typing import Any

import torch
from timm.data import IMAGENET_DEFAULT_MEAN
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.models.backbones.base import Backbone, check_size, feature_info

default_cfgs = generate_default_cfgs(
    {
        "alexnet.tv_in1k": {
            "url": "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
            "interpolation": "bilinear",
            "first_conv": "features.0",
            "classifier": "classifier.6",
            "license": "bsd-3-clause",
            "origin_url": "https://github.com/pytorch/vision",
        },
        "alexnet_two_groups": {
            # The text says 224 px, but only with 227 px do its filters give the 55 x 55 positions
            # of figure 2.
            "input_size": (3, 227, 227),
            # Pixels from 0 to 255 less their mean (section 2), which the initial weights presume.
            "mean": IMAGENET_DEFAULT_MEAN,
            "std": (1 / 255,) * 3,
            "interpolation": "bilinear",
            "first_conv": "features.0",
            "classifier": "classifier.6",
        },
    }
)


class ResponseNorm(nn.Module):
    """Divides activations by what neighbouring channels have at their position (section 3.3).

    (B, C, H, W) -> (B, C, H, W): ``b_i = a_i / (k + alpha * sum of a_j ** 2) ** beta``, where j
    runs from i - 2 to i + 2.
    """

    n, k, alpha, beta = 5, 2.0, 1e-4, 0.75

    def forward(self, x: Tensor) -> Tensor:  # noqa: D102
        # torch takes the mean of the squares where the paper takes their sum. In half precision
        # squares of activations above 255 would be infinite.
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        return functional.local_response_norm(wide, self.n, self.n * self.alpha, self.beta, self.k).to(x.dtype)


def convolution(inputs: int, outputs: int, kernel_size: int, **options: int) -> tuple[nn.Module, nn.Module]:
    """A convolution and a rectifier. (B, inputs, H, W) -> (B, outputs, H', W')."""
    return nn.Conv2d(inputs, outputs, kernel_size, **options), nn.ReLU(inplace=True)  # type: ignore[arg-type]


class AlexNet(Backbone):
    """Five convolutions and three fully connected layers. (B, in_chans, H, W) -> (B, num_classes).

    Without classes it returns the 4,096 features of the second fully connected layer. Dropout is
    before both hidden fully connected layers, 0.5 in the paper (section 4.2). ``global_pool`` is
    ``avg`` only: these layers want 6x6 positions, to which other sizes are averaged.
    """

    classifier_path = "classifier.6"
    smallest = 63
    """Smallest side of an image in pixels, which leaves the last pooling one position."""
    taps = ((64, 4, 1), (192, 8, 4), (256, 16, 11), (256, 32, 12))
    """Channels, reduction and layer of ``features`` of the maps before each pooling, and the
    last."""

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg") -> None:
        super().__init__()
        self._check_pool(global_pool)
        self.num_classes, self.num_features, self.head_hidden_size = num_classes, 256, 4096
        self.features = self.create_features(in_chans)
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
        self.feature_info = feature_info(*((channels, reduction, f"features.{layer}") for channels, reduction, layer in self.taps))

    def create_features(self, in_chans: int) -> nn.Sequential:
        """The convolutions and poolings. (B, in_chans, H, W) -> (B, 256, H', W')."""
        return nn.Sequential(
            *convolution(in_chans, 64, 11, stride=4, padding=2),
            nn.MaxPool2d(3, 2),
            *convolution(64, 192, 5, padding=2),
            nn.MaxPool2d(3, 2),
            *convolution(192, 384, 3, padding=1),
            *convolution(384, 256, 3, padding=1),
            *convolution(256, 256, 3, padding=1),
            nn.MaxPool2d(3, 2),
        )

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
        """(B, in_chans, H, W) -> (B, 256, H', W'), 6x6 at the network's own size."""
        check_size(x, self.smallest, "AlexNet")
        features: Tensor = self.features(x)
        return features

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """(B, 256, H', W') -> (B, num_classes), or the features before the classifier (B, 4096)."""
        x = self.classifier[:-1](torch.flatten(self.global_pool(x), 1))
        return x if pre_logits else self.classifier[-1](x)


class TwoGroupAlexNet(AlexNet):
    """AlexNet as its paper has it, on two GPUs (section 3.5, figure 2).

    (B, in_chans, H, W) -> (B, num_classes).

    The second, fourth and fifth convolutions see only the channels that lie on their own GPU, half
    of them. Response normalisation follows the first two.
    """

    smallest = 67
    taps = ((96, 4, 2), (256, 8, 6), (256, 16, 13), (256, 32, 14))

    def __init__(self, num_classes: int = 1000, in_chans: int = 3, drop_rate: float = 0.0, global_pool: str = "avg") -> None:
        super().__init__(num_classes, in_chans, drop_rate, global_pool)
        self.init_weights()

    def create_features(self, in_chans: int) -> nn.Sequential:
        """The convolutions and poolings. (B, in_chans, H, W) -> (B, 256, H', W')."""
        return nn.Sequential(
            *convolution(in_chans, 96, 11, stride=4),
            ResponseNorm(),
            nn.MaxPool2d(3, 2),
            *convolution(96, 256, 5, padding=2, groups=2),
            ResponseNorm(),
            nn.MaxPool2d(3, 2),
            *convolution(256, 384, 3, padding=1),
            *convolution(384, 384, 3, padding=1, groups=2),
            *convolution(384, 256, 3, padding=1, groups=2),
            nn.MaxPool2d(3, 2),
        )

    def init_weights(self) -> None:
        """Normal with deviation 0.01, and biases of 1 that start rectifiers above 0 (section 5).

        Biases of the first and third convolution and of the classifier start at 0.
        """
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.normal_(parameter, std=0.01)
            else:
                nn.init.constant_(parameter, 0.0 if name.startswith(("features.0.", "features.8.", "classifier.6.")) else 1.0)


def _create(network: type[AlexNet], name: str, pretrained: bool, **kwargs: Any) -> AlexNet:
    kwargs.setdefault("feature_cfg", {"flatten_sequential": True, "out_indices": (0, 1, 2, 3)})
    model: AlexNet = build_model_with_cfg(network, name, pretrained, **kwargs)
    return model


@register_model
def alexnet(pretrained: bool = False, **kwargs: Any) -> AlexNet:
    """AlexNet in one tower: 61,100,840 parameters for 1,000 classes."""
    return _create(AlexNet, "alexnet", pretrained, **kwargs)


@register_model
def alexnet_two_groups(pretrained: bool = False, **kwargs: Any) -> AlexNet:
    """AlexNet as on two GPUs: 60,965,224 parameters for 1,000 classes, and no published weights."""
    return _create(TwoGroupAlexNet, "alexnet_two_groups", pretrained, **kwargs)
