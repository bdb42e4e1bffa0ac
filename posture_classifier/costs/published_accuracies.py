"""Accuracies on ImageNet as torchvision publishes them with its weights, which it brings along.

timm publishes those of its own weights on the web only.
"""

from collections.abc import Iterable
from typing import Any

import timm

from posture_classifier.costs.accuracies import Accuracy
from posture_classifier.metrics.intervals import wilson_interval
from posture_classifier.models.torchvision_weights import published_weights

PUBLISHER = "torchvision"
"""Begins the source of such an accuracy."""
N_PHOTOS = 50_000
"""Photos of ImageNet's validation set, on which they were measured; each is its own group."""


def published_accuracies(names: Iterable[str]) -> dict[str, Accuracy]:
    """Look up the published accuracies, by name, of networks that have one; needs no connection."""
    return {name: found for name in names if (found := published_accuracy(name))}


def published_accuracy(name: str) -> Accuracy | None:
    """Look up the published accuracy of a network on ImageNet.

    It is that of the weights that the name loads where these are torchvision's. Where a name
    without a tag loads others, it is that of torchvision's first weights of the same architecture,
    most of which reproduce the paper's results or are ported from it; the source then names both.
    A name with the tag of other weights has none: theirs is another.

    Returns:
        Shares of 50,000 photos and the size at which they were seen; None if none is published.

    Example:
        >>> published_accuracy("alexnet").value
        0.56522
        >>> published_accuracy("resnet18").source
        'torchvision ResNet18_Weights.IMAGENET1K_V1 (resnet18 loads a1_in1k)'
    """
    architecture, _, tag = name.partition(".")
    config = timm.get_pretrained_cfg(name)
    if config.tag and (loaded := published_weights(f"{architecture}.{config.tag}")):
        return _accuracy(loaded[0], "")
    if tag or not (others := published_weights(architecture)):
        return None
    return _accuracy(others[-1], f" ({name} loads {config.tag if config.has_weights else 'none'})")


def is_published(source: str | None) -> bool:
    """Whether an accuracy is one of these, by its source.

    Example:
        >>> is_published(published_accuracy("alexnet").source), is_published("runs.csv")
        (True, False)
    """
    return bool(source) and str(source).startswith(f"{PUBLISHER} ")


def _accuracy(weights: Any, note: str) -> Accuracy:
    """The accuracy of a member of torchvision's ``WeightsEnum``."""
    percent = weights.meta["_metrics"]["ImageNet-1K"]
    top1, top5 = (round(percent[key] / 100, 5) for key in ("acc@1", "acc@5"))
    interval = wilson_interval(top1, N_PHOTOS)
    size = weights.transforms.keywords["crop_size"]
    return Accuracy(top1, interval.low, interval.high, top5, size, f"{PUBLISHER} {weights}{note}")
