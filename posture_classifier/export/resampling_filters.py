"""Pillow's resampling filters as tensor operations (its ``Resample.c``)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor


def _bilinear(x: Tensor) -> Tensor:
    return (1 - x.abs()).clamp(min=0)


def _hamming(x: Tensor) -> Tensor:
    window = (x * _like(math.pi, x)).cos() * _like(0.46, x) + _like(0.54, x)
    return torch.where(x.abs() < 1, _sinc(x) * window, 0)


def _bicubic(x: Tensor) -> Tensor:
    x = x.abs()
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < 3, _sinc(x) * _sinc(x / 3), 0)


def _sinc(x: Tensor) -> Tensor:
    angle = torch.where(x == 0, 1, x) * _like(math.pi, x)
    return torch.where(x == 0, 1, angle.sin() / angle)


def _like(number: float, x: Tensor) -> Tensor:
    """A constant in the precision of a tensor; the export to ONNX would round it to float32."""
    return torch.tensor(number, dtype=x.dtype, device=x.device)


FILTERS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "bilinear": (_bilinear, 1),
    "hamming": (_hamming, 1),
    "bicubic": (_bicubic, 2),
    "lanczos": (_lanczos, 3),
}
"""Each filter by its name, and a distance from which on it is 0."""
