"""The frozen network whose features photos are compared by, whatever is being trained."""

from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import timm
import torch
from torch import Tensor, nn

from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.weights import create_backbone

BACKBONE = "tf_efficientnet_lite0"
"""Its ImageNet weights are installed with this program, so no download is needed."""
IMAGE_SIZE = 128
"""Pixels a side: takes a quarter of the time of 224, and still finds near-duplicates and wrong
labels."""


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
    def extract(self, squares: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.float32]:
        """Compute the features (B, D), of unit length, of B squares (H, W, 3) of uint8."""
        images: Tensor = self.normalise(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2))
        maps = self.backbone.forward_features(images.contiguous(memory_format=torch.channels_last))
        features: Tensor = self.backbone.forward_head(maps, pre_logits=True)
        result: npt.NDArray[np.float32] = nn.functional.normalize(features.float(), dim=1).numpy()
        return result


@cache
def feature_extractor() -> FeatureExtractor:
    """Return the extractor that this process shares."""
    return FeatureExtractor()
