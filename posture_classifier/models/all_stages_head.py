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

from posture_classifier.utils.errors import UserError

Head = Literal["last_stage", "all_stages"]
"""What a classifier sees: the average of the last stage's map, as timm builds it, or all stages."""
GRID = 3
"""Fields a side that a map is averaged to."""
MOST_MAPS = 6
"""That the head sees: hardly a convolutional network hands out more; of a transformer's blocks they are chosen evenly."""


def grid_pool(image: Tensor) -> Tensor:
    """Average a map (B, C, H, W) over a grid (B, C, 3, 3); one of no more fields stays as it is.

    So pooling again changes nothing, and where only later stages learn, the pooled maps of earlier ones can be kept in the place
    of the maps. Fields overlap by one or two where a side is not divisible. (``adaptive_avg_pool2d`` has no deterministic way back
    on a GPU.)
    """
    strides = [max(side // GRID, 1) for side in image.shape[2:]]
    sizes = [side - (GRID - 1) * (side // GRID) for side in image.shape[2:]]
    return image if max(image.shape[2:]) <= GRID else functional.avg_pool2d(image, sizes, strides)


class GridPool(nn.Module):
    """``pool`` as a module, so that a trace of the network notices which maps its head is shown."""

    def forward(self, image: Tensor) -> Tensor:
        """Maps (B, C, H, W) -> (B, C, at most 3, at most 3)."""
        return grid_pool(image)


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
        self.pools = nn.ModuleList(GridPool() for _ in indices)

    def forward(self, last: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Features (B, D) of the last stage and maps (B, C, H, W) of all -> features (B, D + C x 9 + ...)."""
        pooled = (each(image).flatten(1) for each, image in zip(self.pools, maps, strict=True))
        features = torch.cat([functional.layer_norm(part, part.shape[1:]) for part in (last, *pooled)], dim=1)
        # Autocast normalises in float32: rounded as what is kept of a frozen network is, so that both give one result.
        return features.to(last.dtype)


class _Forward:
    """The forward pass of a timm model whose head sees all stages; its modules and their names stay as they are."""

    def forward(self: Any, images: Tensor) -> Tensor:
        last, maps = self.forward_intermediates(images, indices=self.all_stages.indices)
        features = self.all_stages(self.forward_head(last, pre_logits=True), maps)
        if self.all_stages.drop_rate:  # of 0 it would draw all the same, which takes longer than the classifier
            features = functional.dropout(features, self.all_stages.drop_rate, self.training)
        logits: Tensor = self.get_classifier()(features)
        return logits


def show_all_stages(network: nn.Module, name: str, n_classes: int, image_size: int, drop_rate: float) -> None:
    """Give a timm model a wider classifier that sees all stages, in the place of its own.

    Args:
        network: In evaluation mode, and built without dropout before its classifier.
        name: Timm's.
        n_classes: Number of outputs.
        image_size: Side of its images in pixels.
        drop_rate: Dropout before the classifier.

    Raises:
        UserError: The network does not hand out its stages' maps, or what its own classifier sees, or that is not linear.
    """
    seen: list[Tensor] = []
    classifier = network.get_classifier()  # type: ignore[operator]
    images = torch.rand(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    if _is_single_linear(name, classifier) and hasattr(network, "forward_intermediates"):
        with classifier.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0])):
            network(images)
        last, maps = network.forward_intermediates(images)  # type: ignore[operator]
        features = network.forward_head(last, pre_logits=True)  # type: ignore[operator]
    # In some networks a norm comes between the two, which would be left out; some classifiers are convolutions of one pixel.
    if not seen or features.ndim != 2 or not torch.equal(seen[0].flatten(1), features):
        raise UserError(
            f"model.head all_stages needs a network that hands out its stages' maps and has one linear classifier after their "
            f"average, unlike {name}; leave it out"
        )
    chosen = sorted({round(n) for n in np.linspace(0, len(maps) - 1, MOST_MAPS)})
    network.all_stages = all_stages = AllStages(chosen, drop_rate)
    n_features = all_stages(features, [maps[n] for n in chosen]).shape[1]
    path, _, attribute = next(n for n, module in network.named_modules() if module is classifier).rpartition(".")
    setattr(network.get_submodule(path), attribute, nn.Linear(n_features, n_classes, bias=classifier.bias is not None))
    # The class is replaced, as torch.nn.utils.parametrize does it: all but the forward pass, and the tensors' names, stay.
    network.__class__ = type(type(network).__name__, (_Forward, type(network)), {})


def _is_single_linear(name: str, classifier: Any) -> bool:
    several = isinstance(timm.get_pretrained_cfg(name).classifier, (tuple, list))  # auxiliary ones too
    return isinstance(classifier, (nn.Linear, nn.Conv2d)) and not several
