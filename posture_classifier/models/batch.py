"""A batch of photos, or of cached features."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Images (B, 3, H, W), labels (B,) int64, and each photo's index (B,) int64 in its split."""

    images: Tensor
    labels: Tensor
    indices: Tensor


class CachedBatch(NamedTuple):
    """Outputs (B, ...) of a frozen prefix in place of images; the rest is as in ``Batch``.

    For a mean over mirror images (2 * B, ...): each image's, followed by its mirror image's.
    """

    features: Tensor
    labels: Tensor
    indices: Tensor
