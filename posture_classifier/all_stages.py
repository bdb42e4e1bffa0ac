"""A head that sees what every stage of a network answers, and roughly where, rather than the average of the last alone.

Late stages tell what is in a photo and forget where; a posture is a matter of where. Kept frozen, they cannot learn otherwise,
but the stages before them still know (Evci et al. 2022, "Head2Toe: utilizing intermediate representations for better transfer
learning", which also chooses among their features). A forward pass computes all of it anyway.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.errors import UserError

Head = Literal["last_stage", "all_stages"]
"""What a classifier sees: the last stage's average, as timm builds it, or all stages."""
GRID = 3
"""Fields a side that a map is averaged to."""
MOST_MAPS = 5
"""That the head sees: a convolutional network has as many stages, of a transformer's blocks they are chosen evenly."""


class Pool(nn.Module):
    """Averages a map over a grid; one of no more fields stays as it is.

    So pooling again changes nothing, and where only later stages learn, the pooled maps of earlier ones can be kept in the place
    of the maps.
    """

    def forward(self, image: Tensor) -> Tensor:
        """Maps (B, C, H, W) -> (B, C, at most 3, at most 3)."""
        return image if max(image.shape[2:]) <= GRID else functional.adaptive_avg_pool2d(image, GRID)


class AllStages(nn.Module):
    """Joins the maps of a network's stages to what its own head would see.

    Each part is brought to mean 0 and variance 1, since those of larger scale would outweigh the others (which Liu et al. 2015,
    "ParseNet: looking wider to see better", bring to length 1).

    Args:
        indices: Of the maps, among all that ``forward_intermediates`` gives.
        drop_rate: Dropout between this and the classifier.
    """

    def __init__(self, indices: Sequence[int], drop_rate: float) -> None:
        super().__init__()
        self.indices = list(indices)
        self.drop_rate = drop_rate
        self.pools = nn.ModuleList(Pool() for _ in indices)

    def forward(self, last: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Features (B, D) of the last stage and maps (B, C, H, W) of all -> features (B, D + C x 9 + ...)."""
        pooled = (pool(image).flatten(1) for pool, image in zip(self.pools, maps, strict=True))
        features = torch.cat([functional.layer_norm(part, part.shape[1:]) for part in (last, *pooled)], dim=1)
        return features.to(last.dtype)  # autocast normalises in float32; what is kept of a frozen network is not as exact


class _Forward:
    """The forward pass of a timm model whose head sees all stages; its modules and their names stay as they are."""

    def forward(self: Any, images: Tensor) -> Tensor:
        last, maps = self.forward_intermediates(images, indices=self.all_stages.indices)
        features = self.all_stages(self.forward_head(last, pre_logits=True), maps)
        dropped = functional.dropout(features, self.all_stages.drop_rate, self.training)
        logits: Tensor = self.get_classifier()(dropped)
        return logits


def show_all_stages(network: nn.Module, name: str, n_classes: int, image_size: int, drop_rate: float) -> None:
    """Give a timm model a wider classifier that sees all stages, in the place of its own.

    Args:
        network: Built without dropout before its classifier.
        name: Timm's.
        n_classes: Number of outputs.
        image_size: Side of its images in pixels.
        drop_rate: Dropout before the classifier.

    Raises:
        UserError: The network does not give its stages' maps, or has other classifiers than one linear layer.
    """
    several = isinstance(timm.get_pretrained_cfg(name).classifier, (tuple, list))
    classifier = network.get_classifier()  # type: ignore[operator]
    if several or not isinstance(classifier, nn.Linear) or not hasattr(network, "forward_intermediates"):
        raise UserError(
            f"model.head all_stages needs a network that hands out its stages' maps, which {name} does not; leave it out"
        )
    network.eval()
    with torch.no_grad():
        last, maps = network.forward_intermediates(torch.zeros(1, 3, image_size, image_size))  # type: ignore[operator]
        chosen = sorted({round(n) for n in np.linspace(0, len(maps) - 1, MOST_MAPS)})
        network.all_stages = all_stages = AllStages(chosen, drop_rate)
        features = all_stages(network.forward_head(last, pre_logits=True), [maps[n] for n in chosen])  # type: ignore[operator]
    network.train()
    path, _, attribute = next(n for n, module in network.named_modules() if module is classifier).rpartition(".")
    setattr(network.get_submodule(path), attribute, nn.Linear(features.shape[1], n_classes, bias=classifier.bias is not None))
    # As torch.nn.utils.parametrize does it: all but the forward pass stays what it was, the names of the tensors too.
    network.__class__ = type(type(network).__name__, (_Forward, type(network)), {})
