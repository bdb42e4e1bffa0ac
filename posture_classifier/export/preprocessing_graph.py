"""The preprocessing as tensor operations, so that an exported network takes a photo of any size."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.utils.errors import UserError

BLOCK = 16
"""Neighbouring outputs that are computed together, from the window of inputs that they share."""
FRACTION_BITS = 22
"""Pillow's weights are whole multiples of 2**-22 (``PRECISION_BITS`` in its ``Resample.c``)."""
LOW = 2**11
"""Weights are split into two parts of 11 bits: sums of float32 are exact below 2**24."""
GREY = 128
"""What is taken from pixels before they are summed, to halve the sums."""


def _bilinear(t: Tensor) -> Tensor:
    return (1 - t.abs()).clamp(min=0)


def _bicubic(t: Tensor) -> Tensor:
    t = t.abs()
    near, far = (1.5 * t - 2.5) * t * t + 1, ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, 0))


def _box(t: Tensor) -> Tensor:
    return ((t > -0.5) & (t <= 0.5)).to(t.dtype)


def _sinc(t: Tensor) -> Tensor:
    angle = math.pi * torch.where(t == 0, 1, t)
    return torch.where(t == 0, 1, angle.sin() / angle)


def _hamming(t: Tensor) -> Tensor:
    return torch.where(t.abs() < 1, _sinc(t) * (0.54 + 0.46 * (math.pi * t).cos()), 0)


def _lanczos(t: Tensor) -> Tensor:
    return torch.where(t.abs() < 3, _sinc(t) * _sinc(t / 3), 0)


FILTERS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "box": (_box, 1),
    "bilinear": (_bilinear, 1),
    "hamming": (_hamming, 1),
    "bicubic": (_bicubic, 2),
    "lanczos": (_lanczos, 3),
}
"""Pillow's filters by name, with the distance from which on each is 0."""


@dataclass(frozen=True)
class Axis:
    """How one axis of a photo becomes one of the square; whole numbers, some known when it runs.

    Attributes:
        first: First pixel that may be read.
        end: Pixel after the last that may be read.
        doubled_start: Twice the place where the scaled part begins.
        length: Pixels of the scaled part.
        outputs: Pixels that it becomes.
        offset: Where these begin in the square.
    """

    first: Any
    end: Any
    doubled_start: Any
    length: Any
    outputs: Any
    offset: Any


class GraphPreprocessing(nn.Module):
    """Crops, scales and normalises a photo of any size, with the values that Pillow computes.

    Args:
        preprocessing: The preprocessing of a checkpoint.

    Raises:
        UserError: The preprocessing cannot be computed by tensor operations.
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        if preprocessing.interpolation not in FILTERS:
            raise UserError(f"interpolation {preprocessing.interpolation} cannot be exported; train with another backbone")
        self.preprocessing = preprocessing

    def forward(self, image: Tensor) -> Tensor:
        """Normalised images (1, 3, S, S) of float32 from one photo (H, W, 3) of uint8."""
        square = self.square(image).permute(2, 0, 1)[None]
        return self.preprocessing.normalise(square)

    def square(self, image: Tensor) -> Tensor:
        """Scale a photo (H, W, 3) of uint8 to a square (S, S, 3) of uint8."""
        size = self.preprocessing.image_size
        height, width = image.shape[0], image.shape[1]
        side = torch.sym_min(height, width)
        down, across = _cropped(height, side, size), _cropped(width, side, size)
        columns = image.transpose(0, 1).reshape(width, height * 3)
        scaled = self._scale(columns, across).reshape(size, height, 3)
        rows = scaled.transpose(0, 1).reshape(height, size * 3)
        return self._scale(rows, down).reshape(size, size, 3)

    def _scale(self, pixels: Tensor, axis: Axis) -> Tensor:
        """Scale the first axis of pixels (N, M) of uint8 to (S, M)."""
        blocks = -(-self.preprocessing.image_size // BLOCK)
        outputs = torch.arange(blocks * BLOCK).view(blocks, BLOCK) - axis.offset
        filter_, reach = FILTERS[self.preprocessing.interpolation]
        longest = torch.sym_max(axis.length, axis.outputs)
        begins = (2 * outputs[:, :1] + 1) * axis.length + axis.doubled_start * axis.outputs - 2 * reach * longest
        taps = begins // (2 * axis.outputs) + torch.arange(((BLOCK - 1) * axis.length + 2 * reach * longest) // axis.outputs + 2)
        distances = (2 * taps + 1 - axis.doubled_start)[:, None] * axis.outputs - ((2 * outputs + 1) * axis.length)[..., None]
        weights = filter_(distances.double() / (2 * longest))
        weights = torch.where(((taps >= axis.first) & (taps < axis.end))[:, None], weights, 0)
        fixed = _fixed_point(weights)
        high = (fixed / LOW).round()
        window = pixels[taps.clamp(axis.first, axis.end - 1)].float() - GREY
        sums = torch.cat([high, fixed - LOW * high], 1).float() @ window
        whole = sums[:, :BLOCK].long() * LOW + sums[:, BLOCK:].long() + (GREY * fixed.sum(-1, keepdim=True)).long()
        rounded = (whole + 2 ** (FRACTION_BITS - 1)).clamp(min=0) // 2**FRACTION_BITS
        return rounded.clamp(max=255).to(torch.uint8).reshape(blocks * BLOCK, -1)[: self.preprocessing.image_size]


def _cropped(length: Any, side: Any, size: int) -> Axis:
    first = (length - side) // 2
    return Axis(first, first + side, 2 * first, side, size, 0)


def _fixed_point(weights: Tensor) -> Tensor:
    """Divide weights by their sum over the last axis, as multiples of 2**-22, half away from 0."""
    total = weights.sum(-1, keepdim=True)
    scaled = weights / torch.where(total == 0, 1, total) * 2**FRACTION_BITS
    return scaled.sign() * (scaled.abs() + 0.5).floor()
