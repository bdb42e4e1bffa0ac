"""The preprocessing as tensor operations, so that an exported network takes a photo of any size."""

from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from posture_classifier.export.resampling_filters import FILTERS
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.images.square import margin, scaled_side
from posture_classifier.utils.errors import UserError

BLOCK = 16
"""Neighbouring outputs that are computed together, from the window of inputs that they share."""
FRACTION_BITS = 22
"""Pillow's weights are whole multiples of 2**-22 (``PRECISION_BITS`` in its ``Resample.c``)."""
PART = 2**8
"""Weights are divided into a multiple of this and a rest: the sums of both are exact in float32,
which holds every whole number up to 2**24, while an output is made of at most 512 pixels."""


class _Axis(NamedTuple):
    """How one axis of a photo becomes one of the square, in pixels.

    Attributes:
        first: The first pixel that may be read.
        end: The pixel after the last that may be read.
        doubled_start: Twice the place where the part that is scaled begins; version 1 begins at
            half pixels.
        length: Pixels of that part.
        outputs: Pixels that it becomes.
        offset: Where these begin in the square.
    """

    first: int
    end: int
    doubled_start: int
    length: int
    outputs: int
    offset: int


class GraphPreprocessing(nn.Module):
    """Crops or pads, scales and normalises a photo of any size, as ``Preprocessing`` does.

    The weights of Pillow's filters, in its fixed point, are computed from the photo's size, and the
    sums are exact: the pixels of a square are equal to Pillow's bit by bit, wherever float32
    products and float64 weights are computed as such. Of version 1 they are equal to those of
    Pillow 11.3; Pillow 13 computes others where it scales the columns of a photo first.

    It is no part of the network: quantising its two products would destroy it.

    Args:
        preprocessing: The preprocessing of a checkpoint.

    Raises:
        UserError: Only Pillow computes it: a filter that jumps (``nearest``, ``box``), where the
            last bit of a distance decides, or padding of version 1.

    Example:
        >>> preprocessing = Preprocessing(32, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
        >>> GraphPreprocessing(preprocessing)(torch.zeros(48, 64, 3, dtype=torch.uint8)).shape
        torch.Size([1, 3, 32, 32])
    """

    def __init__(self, preprocessing: Preprocessing) -> None:
        super().__init__()
        if preprocessing.interpolation not in FILTERS:
            raise UserError(
                f"this checkpoint scales photos by {preprocessing.interpolation}, which cannot be exported; "
                f"train it with one of {', '.join(FILTERS)}"
            )
        if preprocessing.version == 1 and preprocessing.resize == "pad":
            raise UserError("this checkpoint pads photos as earlier versions did, which cannot be exported; train it anew")
        self.preprocessing = preprocessing
        self._filter, self._reach = FILTERS[preprocessing.interpolation]

    def forward(self, image: Tensor) -> Tensor:
        """Normalised images (1, 3, S, S) of float32 from one photo (H, W, 3) of uint8."""
        return self.preprocessing.normalise(self.square(image).permute(2, 0, 1)[None])

    def square(self, image: Tensor) -> Tensor:
        """A square (S, S, 3) of uint8 from one photo (H, W, 3) of uint8."""
        height, width, _ = image.shape
        down, across = self._axis(height, width), self._axis(width, height)
        square = self._scale_columns(self._scale_rows(image.permute(2, 0, 1), across), down).permute(1, 2, 0)
        return self._pad(square, down, across) if self.preprocessing.resize == "pad" else square

    def _axis(self, length: int, other: int) -> _Axis:
        size = self.preprocessing.image_size
        if self.preprocessing.resize == "pad":
            outputs = _max(1, scaled_side(length, _max(length, other), size))
            return _Axis(0, length, 0, length, outputs, margin(size, outputs))
        side = _min(length, other)
        if self.preprocessing.version == 1:  # reads beyond the cut
            return _Axis(0, length, length - side, side, size, 0)
        first = margin(length, side)
        return _Axis(first, first + side, 2 * first, side, size, 0)

    def _pad(self, square: Tensor, down: _Axis, across: _Axis) -> Tensor:
        index = torch.arange(self.preprocessing.image_size, device=square.device)
        row, column = ((index >= axis.offset) & (index < axis.offset + axis.outputs) for axis in (down, across))
        grey = torch.tensor(self.preprocessing.grey, device=square.device).clamp(0, 255).to(torch.uint8)
        padded: Tensor = torch.where((row[:, None] & column)[..., None], square, grey)
        return padded

    def _scale_rows(self, planes: Tensor, axis: _Axis) -> Tensor:
        """Scale planes (3, H, W) of uint8 to (3, H, S)."""
        taps, weights = self._weights(axis, planes.device)
        windows = planes[:, :, taps.clamp(axis.first, axis.end - 1)].flatten(0, 1).transpose(0, 1)  # (K, 3 * H, L)
        scaled = _rounded(windows.float() @ weights.transpose(1, 2)).transpose(0, 1)
        return scaled.reshape(3, planes.shape[1], -1)[..., : self.preprocessing.image_size]

    def _scale_columns(self, planes: Tensor, axis: _Axis) -> Tensor:
        """Scale planes (3, H, S) of uint8 to (3, S, S)."""
        taps, weights = self._weights(axis, planes.device)
        windows = planes[:, taps.clamp(axis.first, axis.end - 1)]  # (3, K, L, S)
        return _rounded(weights @ windows.float()).flatten(1, 2)[:, : self.preprocessing.image_size]

    def _weights(self, axis: _Axis, device: torch.device) -> tuple[Tensor, Tensor]:
        """Pixels that blocks of outputs are made of, and their weights in units of 2**-22.

        Returns:
            Pixels (K, L) of K blocks, and weights (K, 2 * ``BLOCK``, L) of float32: multiples of
            ``PART``, then what remains.
        """
        blocks = -(-self.preprocessing.image_size // BLOCK)
        outputs = torch.arange(blocks * BLOCK, device=device).view(blocks, BLOCK) - axis.offset
        # Distances in units of half an output pixel, or input pixel when enlarging: whole numbers.
        longer = _max(axis.length, axis.outputs)
        window = ((BLOCK - 1) * axis.length + 2 * self._reach * longer) // axis.outputs + 2
        centres = (2 * outputs + 1) * axis.length + axis.doubled_start * axis.outputs
        first = (centres[:, :1] - 2 * self._reach * longer) // (2 * axis.outputs)
        taps = first + torch.arange(window, device=device)
        distances = (2 * taps + 1)[:, None] * axis.outputs - centres[..., None]
        weights = self._filter(distances.double() / (2 * longer))
        weights = torch.where(((taps >= axis.first) & (taps < axis.end))[:, None], weights, 0)
        total = weights.sum(dim=2, keepdim=True)
        scaled = weights / torch.where(total == 0, 1, total) * 2**FRACTION_BITS
        whole = scaled.sign() * (scaled.abs() + 0.5).floor()  # halves away from 0
        parts = (whole / PART).round()
        return taps, torch.cat([parts, whole - parts * PART], dim=1).float()


def _rounded(sums: Tensor) -> Tensor:
    """Pixels of uint8 from sums of both parts, which follow each other in dimension 2."""
    main, rest = sums.int().chunk(2, dim=2)
    total = (main * PART + rest + 2 ** (FRACTION_BITS - 1)).clamp(min=0)
    pixels: Tensor = (total // 2**FRACTION_BITS).clamp(max=255).to(torch.uint8)  # div() would divide floats in ONNX
    return pixels


def _min(one: int, other: int) -> int:
    """The smaller of two sizes that may be symbols; ``min`` would fix the order in the export."""
    return cast(int, torch.sym_min(one, other))


def _max(one: int, other: int) -> int:
    """The larger of two sizes that may be symbols."""
    return cast(int, torch.sym_max(one, other))
