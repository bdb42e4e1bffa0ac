"""The frozen network whose features photos are compared by, whatever is being trained."""

from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from torch import Tensor, nn

from posture_classifier.data.scan.cache import PhotoFeatures
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.all_stages_head import grid_pool
from posture_classifier.models.weights import create_backbone

BACKBONE = "tf_efficientnet_lite0"
"""Its ImageNet weights are installed with this program, so no download is needed."""
IMAGE_SIZE = 128
"""Pixels a side: takes a quarter of the time of 224, and still finds near-duplicates and wrong
labels."""
EARLY_STAGES = (0, 1, 2, 3)
"""The stages before the last, which tell where things are; of the last one only the usual features
are kept, as its map adds nothing to them (``benchmarks/label_errors.py``) and is the largest."""


class FeatureExtractor:
    """The frozen network with its preprocessing."""

    def __init__(self) -> None:
        config = timm.data.resolve_data_config(pretrained_cfg=timm.get_pretrained_cfg(BACKBONE).to_dict())
        preprocessing = Preprocessing(IMAGE_SIZE, config["mean"], config["std"], config["interpolation"])
        self.square, self.normalise = preprocessing.square, preprocessing.normalise

    @cached_property
    def backbone(self) -> Any:
        """The network, built when it is first needed."""
        # Building it must not change the random numbers that a training draws.
        with torch.random.fork_rng():
            return create_backbone(BACKBONE, n_classes=1)[0].eval().to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def extract(self, squares: list[npt.NDArray[np.uint8]]) -> list[PhotoFeatures]:
        """Compute the features of B squares (H, W, 3) of uint8, in one forward pass."""
        images: Tensor = self.normalise(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2))
        images = images.contiguous(memory_format=torch.channels_last)
        last, maps = self.backbone.forward_intermediates(images, indices=EARLY_STAGES)
        features: Tensor = self.backbone.forward_head(last, pre_logits=True)
        pooled = [grid_pool(image.float()).flatten(1) for image in maps]
        stages = torch.cat([nn.functional.layer_norm(part, part.shape[1:]) for part in pooled], dim=1)
        rows = zip(nn.functional.normalize(features.float(), dim=1).numpy(), stages.half().numpy(), strict=True)
        return [PhotoFeatures(*row) for row in rows]


@cache
def feature_extractor() -> FeatureExtractor:
    """Return the extractor that this process shares."""
    return FeatureExtractor()
