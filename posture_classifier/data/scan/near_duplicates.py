"""Which photos show the same picture or the same moment.

Photos are linked by perceptual hash, by a frozen network's features, and pixel by pixel. ``check``
reports the links by their kind, and ``data.group_by cluster`` keeps together what they join.
"""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from posture_classifier.data.scan.alignment import LEAST_CONTRAST, Sketches, aligned_correlation
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.utils.threads import map_in_threads

Kind = Literal["bytes", "copy", "mirrored", "scene"]
Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]
COPY_BITS = 6
"""Bits of 63 in which the hashes of copies may differ: re-encoded copies differed in at most 4,
halved or brightened ones seldom in more than 6."""
SCENE_BITS = 12
"""Bits of 63 in which frames of one scene may differ, if their features are similar, too."""
COPY_CORRELATION = 0.98
"""Least correlation of copies, scaled to 32 pixels: re-encoded copies had 0.995 and more, and none
of 2.6 million pairs of other photos had 0.98."""
COPY_COSINE = 0.6
"""Least cosine of the features of copies: JPEG at quality 30 moves small photos that far."""
SCENE_COSINE = 0.96
"""Least cosine of frames of one scene whose hashes are near."""
CROP_COSINE = 0.8
"""Least cosine of a photo and a crop of it; a crop of 80 % reached it nine times out of ten."""
ALIGNED_CORRELATION = 0.98
"""Least correlation of a photo's middle with the place where it fits best in the other.

Crops of 90 and 80 % of the side reached it nine times out of ten on photos of 100 pixels, and more
often on larger ones; neighbours that show other scenes stayed below."""
NEIGHBOURS = 2
"""Nearest neighbours of each photo that are aligned with it."""
CANDIDATES = 8
"""Most similar photos of each photo that are compared: enough to connect a cluster of any size."""


class Link(NamedTuple):
    """Two photos, by index, that belong together, and how."""

    first: int
    second: int
    kind: Kind


def perceptual_hash(sketches: Sketches) -> Hashes:
    """Hash grey photos (N, 64, 64) by the signs of 63 low frequencies of the cosine transform.

    Source: Zauner 2010, section 3.2.1.
    """
    waves = np.cos(np.pi / 32 * np.arange(8)[:, None] * (np.arange(32) + 0.5))
    low = (waves @ _halve(sketches) @ waves.T).reshape(len(sketches), 64)[:, 1:]
    bits = low > np.median(low, axis=1, keepdims=True)
    weights = np.uint64(1) << np.arange(63, dtype=np.uint64)
    result: Hashes = np.where(bits, weights, np.uint64(0)).sum(1, dtype=np.uint64)
    return result


def _halve(sketches: Sketches) -> Features:
    """Halve the resolution: (N, 64, 64) -> (N, 32, 32)."""
    result: Features = sketches.reshape(-1, 32, 2, 32, 2).mean((2, 4), dtype=np.float32)
    return result


def find_links(scan: Scan) -> list[Link]:
    """Find pairs that connect the photos of every cluster; not all pairs of a cluster."""
    links, unique = _identical_files(scan)
    sketches = {index: sketch for index in unique if (sketch := scan.facts[index].sketch) is not None}
    textured = [index for index, sketch in sketches.items() if sketch.std() >= LEAST_CONTRAST]
    if len(textured) < 2:
        return links
    compared: Sketches = np.stack([sketches[index] for index in textured])
    features = scan.features[textured]
    found = list(_similar_hashes(compared, features))
    linked = {(link.first, link.second) for link in found}
    pairs = [pair for pair in _nearest_pairs(features) if pair not in linked]
    aligned = map_in_threads(lambda pair: aligned_correlation(compared[pair[0]], compared[pair[1]]), pairs)
    found += [Link(*pair, "scene") for pair, value in zip(pairs, aligned, strict=True) if value >= ALIGNED_CORRELATION]
    return links + [Link(textured[first], textured[second], kind) for first, second, kind in found]


def _identical_files(scan: Scan) -> tuple[list[Link], list[int]]:
    """Link files of the same bytes; also return the index of the first file of each content."""
    first: dict[int, int] = {}
    links = []
    for index, fact in enumerate(scan.facts):
        if fact.error is None and first.setdefault(fact.digest, index) != index:
            links.append(Link(first[fact.digest], index, "bytes"))
    return links, list(first.values())


def _similar_hashes(sketches: Sketches, features: Features) -> Iterator[Link]:
    """Link copies, mirrored copies and frames of one scene by their hashes."""
    hashes, mirrored = perceptual_hash(sketches), perceptual_hash(sketches[:, :, ::-1])
    coarse = _halve(sketches)
    for rows, cosine in similarity_blocks(features):
        later = np.arange(len(hashes)) > rows[:, None]
        plain = np.bitwise_count(hashes[rows, None] ^ hashes)
        turned = np.bitwise_count(mirrored[rows, None] ^ hashes)
        for first, second in _candidates(later & (plain <= SCENE_BITS) & (cosine >= COPY_COSINE), cosine):
            i = int(rows[first])
            if plain[first, second] <= COPY_BITS and _correlation(coarse[i], coarse[second]) >= COPY_CORRELATION:
                yield Link(i, second, "copy")
            elif cosine[first, second] >= SCENE_COSINE:
                yield Link(i, second, "scene")
        # A symmetric picture is its own mirror image, and its copies are found above.
        flipped = (turned <= COPY_BITS) & (plain > SCENE_BITS)
        for first, second in _candidates(later & flipped & (cosine >= COPY_COSINE), cosine):
            i = int(rows[first])
            if _correlation(coarse[i][:, ::-1], coarse[second]) >= COPY_CORRELATION:
                yield Link(i, second, "mirrored")


def _candidates(mask: npt.NDArray[np.bool_], cosine: Features) -> Iterator[tuple[int, int]]:
    """Yield row and column of the entries of a mask (B, N), in each row only the most similar."""
    for row in np.flatnonzero(mask.any(1)).tolist():
        columns = np.flatnonzero(mask[row])
        for column in columns[np.argsort(-cosine[row, columns], kind="stable")[:CANDIDATES]].tolist():
            yield row, column


def _correlation(one: Features, other: Features) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _nearest_pairs(features: Features) -> list[tuple[int, int]]:
    """Find pairs of similar photos one of which is among the other's nearest neighbours."""
    pairs: set[tuple[int, int]] = set()
    n = min(NEIGHBOURS, len(features) - 1)
    for rows, cosine in similarity_blocks(features):
        cosine[np.arange(len(rows)), rows] = -1
        nearest = np.argpartition(-cosine, n - 1, axis=1)[:, :n]
        near = np.take_along_axis(cosine, nearest, axis=1) >= CROP_COSINE
        for one, other in zip(np.repeat(rows, near.sum(1)).tolist(), nearest[near].tolist(), strict=True):
            pairs.add((min(one, other), max(one, other)))
    return sorted(pairs)


def connect(n: int, pairs: Ints | Sequence[tuple[int, int]]) -> Ints:
    """Find the clusters of n photos that pairs (P, 2) of indices connect, directly or indirectly.

    Returns:
        (n,) the lowest index of each photo's cluster.

    Example:
        >>> connect(5, [(1, 3), (3, 4)])
        array([0, 1, 2, 1, 1])
    """
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), ends.T), shape=(n, n))
    _, first, codes = np.unique(connected_components(graph, directed=False)[1], return_index=True, return_inverse=True)
    result: Ints = first[codes]
    return result
