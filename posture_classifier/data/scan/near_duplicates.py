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
from posture_classifier.utils.types import Ints

Kind = Literal["bytes", "copy", "mirrored", "scene"]
Hashes = npt.NDArray[np.uint64]
BITS = 63
"""Bits of a hash."""
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


def copies_of(sketch: npt.NDArray[np.uint8], others: Sketches) -> npt.NDArray[np.bool_]:
    """Find out which photos (N,) look like copies of one, by their sketches alone.

    Frames of a camera that stands still are such copies until something moves by a few hundredths
    of the picture's width.

    Args:
        sketch: Grey photo (64, 64).
        others: Grey photos (N, 64, 64).

    Example:
        >>> frames = np.random.default_rng(0).integers(0, 255, (2, 64, 64), dtype=np.uint8)
        >>> copies_of(frames[0] // 2, frames)
        array([ True, False])
    """
    one = sketch[None]
    bits = np.bitwise_count(perceptual_hash(one) ^ perceptual_hash(others))
    correlation = _dots(coarse_pictures(others), coarse_pictures(one))
    result: npt.NDArray[np.bool_] = (bits <= COPY_BITS) & (correlation >= COPY_CORRELATION)
    return result


def find_links(scan: Scan) -> list[Link]:
    """Find pairs that connect the photos of every cluster; not all pairs of a cluster.

    All pairs are compared, so time grows with the square of the number of photos, and memory
    linearly (``benchmarks/near_duplicates.py``).
    """
    links, unique = _identical_files(scan)
    sketches = {index: sketch for index in unique if (sketch := scan.facts[index].sketch) is not None}
    textured = [index for index, sketch in sketches.items() if sketch.std() >= LEAST_CONTRAST]
    if len(textured) < 2:
        return links
    compared: Sketches = np.stack([sketches[index] for index in textured])
    features = scan.features if len(textured) == len(scan.facts) else scan.features[textured]
    found, nearest = _compare_all(compared, features)
    linked = {(link.first, link.second) for link in found}
    pairs = [pair for pair in nearest if pair not in linked]
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


def _compare_all(sketches: Sketches, features: Features) -> tuple[list[Link], list[tuple[int, int]]]:
    """Compare all photos in one pass; return links by hash, and pairs of nearest neighbours.

    Copies, mirrored copies and frames of one scene are linked. A pair of neighbours has similar
    features, and one is among the other's nearest.
    """
    hashes = perceptual_hash(sketches)
    signs, mirrored = _signs(hashes), _signs(perceptual_hash(sketches[:, :, ::-1]))
    coarse = coarse_pictures(sketches)
    links: list[Link] = []
    pairs: set[tuple[int, int]] = set()
    for rows, cosine in similarity_blocks(features):
        # Signs that differ count -1, so this is the number of different bits.
        plain, turned = ((BITS - each[rows] @ signs.T) / 2 for each in (signs, mirrored))
        later = (np.arange(len(hashes)) > rows[:, None]) & (cosine >= COPY_COSINE)
        first, second = _candidates(later & (plain <= SCENE_BITS), cosine)
        copies = (plain[first, second] <= COPY_BITS) & (_dots(coarse[rows[first]], coarse[second]) >= COPY_CORRELATION)
        links += _as_links(rows[first[copies]], second[copies], "copy")
        scenes = ~copies & (cosine[first, second] >= SCENE_COSINE)
        links += _as_links(rows[first[scenes]], second[scenes], "scene")
        # A symmetric picture is its own mirror image, and its copies are found above.
        first, second = _candidates(later & (turned <= COPY_BITS) & (plain > SCENE_BITS), cosine)
        copies = _dots(coarse[rows[first], :, ::-1], coarse[second]) >= COPY_CORRELATION
        links += _as_links(rows[first[copies]], second[copies], "mirrored")
        pairs.update(_nearest_pairs(rows, cosine))
    return links, sorted(pairs)


def _signs(hashes: Hashes) -> Features:
    """The bits of N hashes as -1 and 1: (N, 63)."""
    bits = hashes[:, None] >> np.arange(BITS, dtype=np.uint64) & np.uint64(1)
    return 2 * bits.astype(np.float32) - 1


def coarse_pictures(sketches: Sketches) -> Features:
    """Halve and scale photos: (N, 64, 64) -> (N, 32, 32), whose dot products are correlations."""
    pictures = _halve(sketches)
    centred = pictures - pictures.mean((1, 2), keepdims=True)
    result: Features = centred / np.maximum(np.linalg.norm(centred, axis=(1, 2), keepdims=True), 1e-12)
    return result


def _dots(some: Features, others: Features) -> Features:
    result: Features = np.einsum("...hw,...hw->...", some, others)
    return result


def _as_links(first: Ints, second: Ints, kind: Kind) -> list[Link]:
    return [Link(*pair, kind) for pair in zip(first.tolist(), second.tolist(), strict=True)]


def _candidates(mask: npt.NDArray[np.bool_], cosine: Features) -> tuple[Ints, Ints]:
    """Rows and columns of the entries of a mask (B, N), in each row only the most similar."""
    rows, columns = np.nonzero(mask)
    order = np.lexsort((-cosine[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    place = np.arange(len(rows)) - np.searchsorted(rows, rows)
    return rows[place < CANDIDATES], columns[place < CANDIDATES]


def _nearest_pairs(rows: Ints, cosine: Features) -> Iterator[tuple[int, int]]:
    """Yield pairs of similar photos the second of which is among the first one's nearest."""
    n = min(NEIGHBOURS, cosine.shape[1] - 1)
    cosine[np.arange(len(rows)), rows] = -1
    nearest = np.argpartition(-cosine, n - 1, axis=1)[:, :n]
    near = np.take_along_axis(cosine, nearest, axis=1) >= CROP_COSINE
    for one, other in zip(np.repeat(rows, near.sum(1)).tolist(), nearest[near].tolist(), strict=True):
        yield min(one, other), max(one, other)


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
