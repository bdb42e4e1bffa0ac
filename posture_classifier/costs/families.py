"""Which family of architectures a network belongs to, and the year of its paper."""

import re
import sys
from fnmatch import fnmatch

import timm

from posture_classifier.models import backbones

FAMILIES = {
    # timm keeps several families in one module, so names come first; the first pattern that fits
    # decides.
    "efficientnet/*mobilenetv1*": ("MobileNet-V1", 2017),
    "efficientnet/*mobilenetv2*": ("MobileNet-V2", 2018),
    "efficientnet/*mnasnet*": ("MnasNet", 2018),
    "efficientnet/*mixnet*": ("MixNet", 2019),
    "efficientnet/*efficientnetv2*": ("EfficientNet-V2", 2021),
    "efficientnet/*lite*": ("EfficientNet-Lite", 2020),
    "efficientnet/*efficientnet*": ("EfficientNet", 2019),
    "mobilenetv3/mobilenetv4*": ("MobileNet-V4", 2024),
    "mobilenetv3/*mobilenetv3*": ("MobileNet-V3", 2019),
    "resnet/seres*": ("SENet", 2017),
    "resnet/senet*": ("SENet", 2017),
    "senet/*": ("SENet", 2017),
    "resnet/resnext*": ("ResNeXt", 2016),
    "resnet/wide_resnet*": ("Wide ResNet", 2016),
    "resnet/*resnet*": ("ResNet", 2015),
    "resnetv2/*": ("ResNet-V2", 2016),
    "convnext/convnextv2*": ("ConvNeXt-V2", 2023),
    "convnext/*": ("ConvNeXt", 2022),
    "vgg/*": ("VGG", 2014),
    "inception_v3/*": ("Inception-V3", 2015),
    "inception_v4/*": ("Inception-V4", 2016),
    "inception_resnet_v2/*": ("Inception-ResNet-V2", 2016),
    "xception*/*": ("Xception", 2016),
    "densenet/*": ("DenseNet", 2016),
    "regnet/*": ("RegNet", 2020),
    "vision_transformer/*vit*": ("ViT", 2020),
    "deit/*": ("DeiT", 2020),
    "swin_transformer/*": ("Swin", 2021),
    "swin_transformer_v2/*": ("Swin-V2", 2021),
}
"""Patterns of ``module/name`` in timm, with the family and the year of its paper."""


def family(name: str) -> tuple[str, int | None]:
    """Find the family of a network, and the year of its paper where it is known.

    A module of ours names both in the first line of its docstring: ``NIN (Lin et al. 2013): ...``.
    timm's docstrings name no year, so ``FAMILIES`` does; what that lacks has its module's name as
    family, and no year.

    Example:
        >>> family("resnet18")
        ('ResNet', 2015)
    """
    module = _module(name)
    short = module.rpartition(".")[2]
    if not module.startswith("timm."):
        title = re.match(r"([^(:\n]+?) \([^)\n]*((?:19|20)\d\d)[^)\n]*\)", sys.modules[module].__doc__ or "")
        return (title[1], int(title[2])) if title else (short, None)
    for pattern, family_and_year in FAMILIES.items():
        if fnmatch(f"{short}/{name}", pattern):
            return family_and_year
    return short, None


def smallest_of_ours(count: int) -> list[str]:
    """List the first ``count`` names, in natural order, of each file in ``backbones/``."""
    by_module: dict[str, list[str]] = {}
    for name in timm.list_models():
        if _module(name).startswith(f"{backbones.__name__}."):
            by_module.setdefault(_module(name), []).append(name)
    return [name for names in by_module.values() for name in names[:count]]


def _module(name: str) -> str:
    """Full name of the module that registers a network; timm's own begin with ``timm.``."""
    return str(timm.model_entrypoint(name).__module__)
