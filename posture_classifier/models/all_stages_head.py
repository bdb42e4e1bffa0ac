"""A head that sees the feature maps of all stages of a network, on a coarse grid.

The usual head sees the last stage only, averaged over all positions. Late stages tell what is in a
photo but not where, and a posture is a matter of where. While the network stays frozen it cannot
learn to tell, but its earlier stages already do, and a forward pass computes them anyway (Evci et
al. 2022, "Head2Toe: utilizing intermediate representations for better transfer learning", which
also selects among their features).
"""

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from posture_classifier.utils.errors import UserError

Head = Literal["last_stage", "all_stages"]
"""``last_stage`` is timm's own head on the average of the last map; ``all_stages`` sees every
stage's map."""
GRID = 3
"""Cells per side of the grid that a map is averaged to."""
MAX_MAPS = 6
"""Most maps that the head sees. Few convolutional networks have more; of a transformer's blocks
they are spread evenly."""


def grid_pool(image: Tensor) -> Tensor:
    """Average a map (B, C, H, W) over a 3 x 3 grid to (B, C, 3, 3).

    A map of at most 3 x 3 positions is returned unchanged.

    Pooling twice changes nothing, so cached maps may be stored pooled. Cells overlap by one or two
    positions where a side is not divisible by 3. (``adaptive_avg_pool2d`` has no deterministic
    backward pass on a GPU.)

    Example:
        >>> grid_pool(torch.rand(2, 8, 14, 14)).shape
        torch.Size([2, 8, 3, 3])
    """
    height, width = image.shape[2:]
    if max(height, width) <= GRID:
        return image
    strides = [max(side // GRID, 1) for side in (height, width)]
    kernel = [side - (GRID - 1) * (side // GRID) for side in (height, width)]
    return functional.avg_pool2d(image, kernel, strides)


class GridPool(nn.Module):
    """``grid_pool`` as a module, so that a trace of the network sees which maps the head takes."""

    def forward(self, image: Tensor) -> Tensor:
        """Maps (B, C, H, W) -> (B, C, at most 3, at most 3)."""
        return grid_pool(image)


class AllStages(nn.Module):
    """Concatenates the pooled maps of a network's stages with the features of its usual head.

    Each part is normalised to mean 0 and variance 1, or else parts of larger scale would outweigh
    the others (Liu et al. 2015, "ParseNet: looking wider to see better", scale to length 1).

    Args:
        indices: Positions of the maps among all that ``forward_intermediates`` returns.
        drop_rate: Dropout between these features and the classifier.
    """

    def __init__(self, indices: Sequence[int], drop_rate: float) -> None:
        super().__init__()
        self.indices = list(indices)
        self.drop_rate = drop_rate
        self.pools = nn.ModuleList(GridPool() for _ in indices)

    def forward(self, last: Tensor, maps: Sequence[Tensor]) -> Tensor:
        """Usual features (B, D) and maps (B, C, H, W) of all stages -> (B, D + C x 9 + ...)."""
        pooled = (pool(image).flatten(1) for pool, image in zip(self.pools, maps, strict=True))
        features = torch.cat([functional.layer_norm(part, part.shape[1:]) for part in (last, *pooled)], dim=1)
        # Autocast normalises in float32; cached features have the prefix's type, and both must give
        # one result.
        return features.to(last.dtype)


def add_all_stages_head(network: nn.Module, name: str, n_classes: int, image_size: int, drop_rate: float) -> None:
    """Replace the classifier of a timm model by a wider one that sees all stages, in place.

    The model is in evaluation mode, and was built without dropout before its classifier.

    Raises:
        UserError: The network does not return its stages' maps, or its classifier is not one linear
            layer on the features that ``forward_head(pre_logits=True)`` returns.
    """
    classifier_inputs: list[Tensor] = []
    classifier = network.get_classifier()  # type: ignore[operator]
    images = torch.rand(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    several = isinstance(timm.get_pretrained_cfg(name).classifier, (tuple, list))  # distilled or auxiliary ones
    if isinstance(classifier, (nn.Linear, nn.Conv2d)) and not several and hasattr(network, "forward_intermediates"):
        with classifier.register_forward_pre_hook(lambda _, inputs: classifier_inputs.append(inputs[0])):
            network(images)
        last, maps = network.forward_intermediates(images)  # type: ignore[operator]
        features = network.forward_head(last, pre_logits=True)  # type: ignore[operator]
    # Some networks have a norm between the two, which would be left out; some classifiers are 1x1
    # convolutions.
    if not classifier_inputs or features.ndim != 2 or not torch.equal(classifier_inputs[0].flatten(1), features):
        raise UserError(
            f"model.head all_stages needs a network that hands out its stages' maps and has one linear classifier after their "
            f"average, unlike {name}; leave it out"
        )
    indices = sorted({round(n) for n in np.linspace(0, len(maps) - 1, MAX_MAPS)})
    network.all_stages = all_stages = AllStages(indices, drop_rate)
    n_features = all_stages(features, [maps[n] for n in indices]).shape[1]
    path = next(path for path, module in network.named_modules() if module is classifier)
    network.set_submodule(path, nn.Linear(n_features, n_classes, bias=classifier.bias is not None))
    # An attribute of the instance rather than a wrapper or a subclass: tensors keep their names,
    # and pickle finds the class.
    network.forward = partial(_forward_all_stages, network)


def _forward_all_stages(network: Any, images: Tensor) -> Tensor:
    """The forward pass of a timm model with this head. (B, 3, H, W) -> logits (B, C)."""
    last, maps = network.forward_intermediates(images, indices=network.all_stages.indices)
    features = network.all_stages(network.forward_head(last, pre_logits=True), maps)
    if network.all_stages.drop_rate:  # dropout of 0 draws random numbers all the same, which takes longer than the classifier
        features = functional.dropout(features, network.all_stages.drop_rate, network.training)
    logits: Tensor = network.get_classifier()(features)
    return logits
