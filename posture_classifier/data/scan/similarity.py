"""Cosine similarities of many photos, a few rows at a time."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
BLOCK = 512
"""Most rows of one block."""
BLOCK_VALUES = 2**23
"""Most values of one block: 32 MB, where the whole matrix of 50,000 photos takes 10 GB."""


def similarity_blocks(features: Features, others: Features | None = None) -> Iterator[tuple[npt.NDArray[np.int64], Features]]:
    """Compare photos with all others, block by block, so that memory grows only linearly.

    Args:
        features: (N, D) rows of unit length.
        others: (M, D) rows of unit length to compare with; by default ``features`` themselves.

    Yields:
        The indices (B,) of a block's rows, in order, and their cosines (B, M) with ``others``.

    Example:
        >>> features = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
        >>> for rows, cosine in similarity_blocks(features):
        ...     cosine[np.arange(len(rows)), rows] = -1  # a photo is no neighbour of itself
        ...     print(rows, cosine.argmax(1))
        [0 1 2] [2 2 1]
    """
    others = features if others is None else others
    size = max(1, min(BLOCK, BLOCK_VALUES // max(1, len(others))))
    for start in range(0, len(features), size):
        block = features[start : start + size]
        yield np.arange(start, start + len(block)), block @ others.T
