"""Pairs of photos of one scene, beyond near-duplicates: alike to the network, and in their pixels.

Photos of one style, such as skies, are alike to the network in most pairs, so how alike two photos
are is compared with how alike their neighbours are, and pixels have to confirm it.
"""

import numpy as np
import numpy.typing as npt

from posture_classifier.data.scan.alignment import Sketches, overlay_correlation
from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.utils.threads import map_in_threads
from posture_classifier.utils.types import Ints

NEIGHBOURS = 8
"""Most similar photos of other clusters that each photo is compared with."""
PAIRS_OF_CLUSTERS = 3
"""Most similar pairs of photos of two clusters that are compared: two videos have many."""
SURROUNDINGS = 20
"""Nearest clusters of a photo whose mean is its style."""
EVIDENCE = 1.03
"""Least evidence of one scene: the correlation of two photos laid over each other, and
``LOCAL_WEIGHT`` times the cosine of their features less their style.

Of other photos, one pair of neighbours in 100 reached it, so that chains of them stay short."""
LOCAL_WEIGHT = 0.25
PLAIN_COSINE = 0.95
"""Cosine that makes up for that less the style, where one scene is most of the folder."""
OVERLAY = 0.95
"""Least correlation of photos that are joined by ``PLAIN_COSINE``."""
CHUNK = 1024


def scene_pairs(features: Features, sketches: Sketches, clusters: Ints) -> Ints:
    """Find pairs (P, 2) that connect clusters of one scene; not all pairs of a scene.

    Args:
        features: (N, D) rows of unit length.
        sketches: (N, 64, 64) grey photos.
        clusters: (N,) cluster of near-duplicates that each photo is in.
    """
    units = np.unique(clusters, return_inverse=True)[1]
    pairs = _most_similar_pairs(features, units)
    styles = _styles(features, units)
    local = _cosines(features, pairs, styles)
    plain = _cosines(features, pairs, None)
    possible = (local >= (EVIDENCE - 1) / LOCAL_WEIGHT) | (plain >= PLAIN_COSINE)
    pairs = pairs[possible]
    # The correlation from which a pair is of one scene.
    needed = EVIDENCE - LOCAL_WEIGHT * local[possible]
    needed[plain[possible] >= PLAIN_COSINE] = np.minimum(needed[plain[possible] >= PLAIN_COSINE], OVERLAY)
    rows = list(zip(pairs.tolist(), needed.tolist(), strict=True))
    reached = map_in_threads(lambda row: overlay_correlation(sketches[row[0][0]], sketches[row[0][1]], row[1]) >= row[1], rows)
    return pairs[np.fromiter(reached, dtype=np.bool_, count=len(pairs))]


def _most_similar_pairs(features: Features, units: Ints) -> Ints:
    """Pair each photo with the most similar ones of other units; the best few of any two units."""
    n = min(NEIGHBOURS, len(features) - 1)
    found, values = [], []
    for rows, cosine in similarity_blocks(features):
        cosine[units[rows, None] == units] = -1
        nearest = np.argpartition(-cosine, n - 1, axis=1)[:, :n] if n else np.empty((len(rows), 0), dtype=np.int64)
        found.append(np.stack([np.repeat(rows, n), nearest.ravel()], axis=1))
        values.append(np.take_along_axis(cosine, nearest, axis=1).ravel())
    pairs, cosines = np.sort(np.concatenate(found), axis=1), np.concatenate(values)
    pairs, first = np.unique(pairs[cosines > -1], axis=0, return_index=True)
    cosines = cosines[cosines > -1][first]
    ends = np.sort(units[pairs], axis=1)
    order = np.lexsort((-cosines, ends[:, 1], ends[:, 0]))
    _, start, which = np.unique(ends[order], axis=0, return_index=True, return_inverse=True)
    kept = np.arange(len(order)) - start[which.ravel()] < PAIRS_OF_CLUSTERS
    return pairs[order[kept]]


def _styles(features: Features, units: Ints) -> Features:
    """Compute the mean (N, D) of the units around each photo, in which each counts once.

    In a small folder these are all, so that what all photos share tells no scenes apart.
    """
    means = np.zeros((units.max() + 1, features.shape[1]), dtype=np.float32)
    np.add.at(means, units, features)
    means /= np.bincount(units)[:, None]
    n = min(SURROUNDINGS, len(means))
    result = np.empty_like(features)
    for rows, cosine in similarity_blocks(features, means):
        nearest = np.argpartition(-cosine, n - 1, axis=1)[:, :n]
        for row, units_around in zip(rows.tolist(), nearest, strict=True):
            result[row] = means[units_around].mean(0)
    return result


def _cosines(features: Features, pairs: Ints, styles: Features | None) -> npt.NDArray[np.float32]:
    """Cosine (P,) of the photos of each pair, less the mean of their styles."""
    result = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), CHUNK):
        first, second = pairs[start : start + CHUNK].T
        one, other = features[first], features[second]
        if styles is not None:
            style = (styles[first] + styles[second]) / 2
            one, other = one - style, other - style
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        result[start : start + CHUNK] = np.einsum("ij,ij->i", one, other) / np.maximum(lengths, 1e-12)
    return result
