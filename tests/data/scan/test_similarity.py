"""Cosine similarities, block by block."""

import numpy as np
import pytest

from posture_classifier.data.scan.similarity import BLOCK, similarity_blocks


@pytest.mark.parametrize("n", [1, BLOCK, 2 * BLOCK + 3])
def test_the_blocks_are_the_whole_matrix(n: int) -> None:
    features = np.random.default_rng(0).normal(size=(n, 8)).astype(np.float32)
    others = features[: n // 2 + 1]
    for other, blocks in ((features, similarity_blocks(features)), (others, similarity_blocks(features, others))):
        indices, cosines = zip(*blocks, strict=True)
        assert np.concatenate(indices).tolist() == list(range(n))
        assert max(map(len, indices)) <= BLOCK
        np.testing.assert_allclose(np.concatenate(cosines), features @ other.T, rtol=1e-5, atol=1e-5)
