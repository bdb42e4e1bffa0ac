"""Inception-v3 (Szegedy et al. 2015) of timm, with its auxiliary classifier in training.

Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", section 4.
timm can build it, but then returns its logits in evaluation too, where nothing is there to use
them. Only torchvision's weights have it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import timm
from timm.models import build_model_with_cfg, generate_default_cfgs, register_model
from timm.models.inception_v3 import InceptionV3
from torch import Tensor
from torch.nn import functional

from posture_classifier.models.backbones.base import check_size

default_cfgs = generate_default_cfgs(
    {"inception_v3_aux.tv_in1k": replace(timm.get_pretrained_cfg("inception_v3.tv_in1k"), classifier=("fc", "AuxLogits.fc"))}
)
SMALLEST = 75
"""Smallest side of an image in pixels, which leaves the last module one position."""


class InceptionV3Aux(InceptionV3):  # type: ignore[misc]
    """timm's Inception-v3 and, in training, its auxiliary classifier.

    (B, in_chans, H, W) -> (B, num_classes); in training ``(logits, auxiliary)``.

    The auxiliary classifier speaks while it is itself in training mode, as its loss could teach
    nothing where it is frozen.
    """

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """Group as timm does; the auxiliary classifier goes with the module that it follows."""
        matcher = super().group_matcher(coarse)
        return lambda name: matcher(name.replace("AuxLogits", "Mixed_6e"))

    def no_pretrained(self) -> set[str]:
        """Names of tensors that weights may lack: most files have no auxiliary classifier."""
        return {name for name in self.state_dict() if name.startswith("AuxLogits")}

    def forward_preaux(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 768, H/16, W/16), 17x17 at 299 px."""
        check_size(x, SMALLEST, "Inception-v3")
        features: Tensor = super().forward_preaux(x)
        return features

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 2048, H/32, W/32)."""
        features: Tensor = self.forward_postaux(self.forward_preaux(x))
        return features

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, in_chans, H, W) -> (B, num_classes); in training also auxiliary logits."""
        x = self.forward_preaux(x)
        logits: Tensor = self.forward_head(self.forward_postaux(x))
        if not (self.AuxLogits.training and self.num_classes):
            return logits
        # Its convolutions want the 17x17 positions of 299 px: where there are fewer, they are
        # repeated.
        height, width = (max(17, side) for side in x.shape[-2:])
        return logits, self.AuxLogits(functional.adaptive_avg_pool2d(x, (height, width)))


@register_model
def inception_v3_aux(pretrained: bool = False, **kwargs: Any) -> InceptionV3Aux:
    """Inception-v3 with its auxiliary classifier in training."""
    model: InceptionV3Aux = build_model_with_cfg(InceptionV3Aux, "inception_v3_aux", pretrained, aux_logits=True, **kwargs)
    return model
