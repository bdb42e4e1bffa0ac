"""Scales and normalises photos, in the same way for training, evaluation and prediction."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, get_type_hints

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageOps
from pydantic import Field
from torch import Tensor

from posture_classifier.images.decode import Source, decode
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels
from posture_classifier.images.square import crop_to_square, pad_to_square
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import printable
from posture_classifier.utils.validation import mismatch

Resize = Literal["crop", "pad"]
Version = Literal[1, 2]
LARGEST_SIDE = 4096
"""Most pixels along the side of a network's image; a larger one fills the memory."""
RANGES: dict[str, Any] = {
    "image_size": Annotated[int, Field(ge=16, le=LARGEST_SIDE)],
    "mean": Annotated[list[Annotated[float, Field(ge=-10, le=10)]], Field(min_length=3, max_length=3)],
    "std": Annotated[list[Annotated[float, Field(ge=1e-4, le=1e4)]], Field(min_length=3, max_length=3)],
    "interpolation": Literal["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"],
    "white": Annotated[list[Annotated[float, Field(gt=0, allow_inf_nan=False)]], Field(min_length=2, max_length=2)] | None,
    "version": Version,
}
"""Plain values that a preprocessing may be read from."""


@dataclass(frozen=True)
class Preprocessing:
    """Turns an image of any shape into a normalised square.

    The same photo gives the same values in every program that computes them:

    1. ``crop`` cuts the middle out, a square of whole pixels (``crop_to_square``); ``pad`` takes
       the whole image (``pad_to_square``).
    2. Its rows are scaled by the filter and rounded to 8 bits, then its columns. The filter is
       Pillow's: as wide as the scale when it shrinks an image, of weights that are rounded to
       2**-22 and see nothing beyond the cut.
    3. A value v of 0 to 255 becomes (v / 255 - mean) / std.

    Args:
        image_size: Side of the square in pixels.
        mean: Mean per channel (R, G, B) on the scale 0 to 1, as the pretrained weights expect it.
        std: Standard deviation per channel on the same scale.
        interpolation: Pillow's name of the resampling filter, in lower case.
        resize: ``crop`` scales the shorter side to ``image_size`` and cuts the middle out; ``pad``
            scales the longer side and fills up with grey. Neither changes the aspect ratio: posture
            is an angle.
        white: The values that are white in photos of more than 8 bits; None, in checkpoints from
            before they were measured, gives each photo a scale of its own.
        version: 1, in checkpoints from before there was a 2, crops at half pixels, and scales the
            axes in the order that Pillow chooses by its version and the photo's shape.

    Example:
        >>> preprocessing = Preprocessing(32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> preprocessing.square(Image.open("photos/left/person0_0.png")).shape
        (32, 32, 3)
        >>> preprocessing.normalise(torch.zeros(8, 3, 32, 32, dtype=torch.uint8)).unique()
        tensor([-1.])
    """

    image_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"
    resize: Resize = "crop"
    white: WhiteLevels | None = FULL_RANGE
    version: Version = 2

    def read(self, path: Source) -> npt.NDArray[np.uint8]:
        """Decode a photo and scale it to (image_size, image_size, 3) uint8.

        Raises:
            DecodeError: The photo cannot be read.
        """
        return self.square(decode(path, self.image_size, self.white))

    def square(self, image: Image.Image) -> npt.NDArray[np.uint8]:
        """Scale an RGB image to (image_size, image_size, 3) uint8.

        timm's ``crop_pct`` is left out on purpose: the margin it cuts off may hold the head.
        """
        method = Image.Resampling[self.interpolation.upper()]
        if self.version == 1:
            return np.asarray(self._square_by_pillow(image, method))
        if self.resize == "pad":
            return np.asarray(pad_to_square(image, self.image_size, method, self.grey))
        return np.asarray(crop_to_square(image, self.image_size, method))

    def _square_by_pillow(self, image: Image.Image, method: Image.Resampling) -> Image.Image:
        size = (self.image_size, self.image_size)
        return ImageOps.pad(image, size, method, color=self.grey) if self.resize == "pad" else ImageOps.fit(image, size, method)

    @property
    def grey(self) -> tuple[int, ...]:
        """The mean as a colour (R, G, B) of 0 to 255, which ``pad`` fills up with."""
        return tuple(round(255 * channel) for channel in self.mean)

    def normalise(self, images: Tensor) -> Tensor:
        """Normalise images (B, 3, H, W) of uint8 to float32 with the mean and deviation."""
        mean = torch.tensor(self.mean, device=images.device).view(3, 1, 1)
        std = torch.tensor(self.std, device=images.device).view(3, 1, 1)
        return (images.float() / 255 - mean) / std

    @property
    def geometry(self) -> dict[str, Any]:
        """The settings that decide the pixels of a square, before they are normalised."""
        settings = self.to_dict()
        del settings["std"]
        if self.resize == "crop":  # the mean is the colour that ``pad`` fills up with
            del settings["mean"]
        return settings

    def to_dict(self) -> dict[str, Any]:
        """Convert to plain values, as a checkpoint can hold them."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Preprocessing":
        """Build from what ``to_dict`` returned, also that of an earlier version.

        Raises:
            UserError: A value is missing, unknown, or out of its range.
        """
        values = {"white": None, "version": 1} | values  # at first, white was not measured, and there was one version
        types = get_type_hints(cls) | RANGES
        for name in types.keys() | values.keys():
            default = getattr(cls, name, None)  # what did not exist when the values were written
            if reason := mismatch(values.get(name, default), types.get(name)):
                raise UserError(f"preprocessing.{printable(name)[:100]}: {reason}")
        white = values["white"]
        tuples = {"mean": tuple(values["mean"]), "std": tuple(values["std"]), "white": WhiteLevels(*white) if white else None}
        return cls(**values | tuples)
