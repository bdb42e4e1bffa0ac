"""The one definition of what a network is shown: used by fit, evaluation, prediction and every export."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from torch import Tensor

Resize = Literal["crop", "pad"]


@dataclass(frozen=True)
class Preprocessing:
    """From an image of any shape to a normalised square.

    Args:
        image_size: Side of the square in pixels.
        mean: Mean per channel (R, G, B) on the scale 0 to 1, as the pretrained weights expect it.
        std: Standard deviation per channel on the same scale.
        interpolation: Pillow's name of the resampling filter, in lower case.
        resize: ``crop`` scales the shorter side to ``image_size`` and cuts the middle out; ``pad`` scales the longer side and
            fills up with grey. Neither changes the aspect ratio: posture is an angle.
    """

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize: Resize = "crop"

    def square(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Scale an RGB image to (image_size, image_size, 3) uint8.

        timm's ``crop_pct`` is left out on purpose: the margin it cuts off may hold the head.
        """
        size = (self.image_size, self.image_size)
        method = Image.Resampling[self.interpolation.upper()]
        if self.resize == "pad":
            grey = tuple(round(255 * channel) for channel in self.mean)
            return np.asarray(ImageOps.pad(image, size, method, color=grey))
        return np.asarray(ImageOps.fit(image, size, method))

    def normalise(self, images: Tensor) -> Tensor:
        """Turn (B, 3, H, W) uint8 into float32 with the mean and deviation that the weights expect."""
        mean = torch.tensor(self.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(3, 1, 1)
        return (images.float() / 255 - mean) / std

    @property
    def geometry(self) -> dict[str, Any]:
        """What the pixels of a square depend on: the same for networks that differ in mean and deviation only."""
        plain = self.to_dict()
        names = ("image_size", "interpolation", "resize", *(("mean",) if self.resize == "pad" else ()))
        return {name: plain[name] for name in names}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as a checkpoint can hold them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preprocessing":
        """The inverse of ``to_dict``."""
        return cls(**values | {"mean": tuple(values["mean"]), "std": tuple(values["std"])})
