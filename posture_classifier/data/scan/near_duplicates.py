"""Which photos show the same picture or the same moment, by perceptual hash, by a frozen network's features, and pixel by pixel.

``check`` reports the links that pixels confirm, by their kind. ``data.group_by cluster`` keeps together what these links join, and
beyond it whatever the network finds alike: for a split, a pair too many costs less than one too few.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from posture_classifier.data.folder import Photos, normalise_name
from posture_classifier.data.scan.scan import Progress, Scan, scan
from posture_classifier.data.scan.similarity import similarity_blocks
from posture_classifier.utils.threads import map_in_threads

Kind = Literal["bytes", "copy", "mirrored", "scene"]
Hashes = npt.NDArray[np.uint64]
Sketches = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]
SAME = 6
"""Bits of 63 in which copies may differ: re-encoded ones did in at most 4, halved or brightened ones seldom in more than 6."""
NEAR = 12
"""Bits that frames of one scene may differ in, if the network finds them alike, too."""
CORRELATION = 0.98
"""Of the sketches of copies at 32 pixels: re-encoded ones had 0.995 and more, and of 2.6 million pairs of others none had 0.98."""
COPY_COSINE = 0.6
"""Of the features of copies; JPEG at quality 30 moves those of photos of 100 pixels that far."""
SCENE_COSINE = 0.96
"""Of frames of one scene that the hash finds alike, too."""
CROP_COSINE = 0.8
"""Of a photo and a crop of 80 % of it, nine times out of ten."""
ALIGNED = 0.98
"""Correlation of a photo's middle with the place where it fits best in the other. Crops of 90 and 80 % of the side reached it nine
times out of ten on photos of 100 pixels, and more often on larger ones; neighbours that show other scenes stayed below."""
HOPELESS = 0.9
"""The same at half the resolution, below which the whole one is not tried."""
BLUR = 1.5
"""Pixels of 64 that hide how a sketch was scaled."""
NEIGHBOURS = 2
KEPT = 8
"""Candidates of each photo, the most alike: enough to connect a cluster, however large it is."""
FLAT = 5.0
"""Standard deviation of grey values below which there is nothing to compare."""
MIDDLE = 0.69
"""Share of the sides: the part of a photo that is looked for in another."""
ALIKE = 0.6
"""Cosine of the centred features of photos that a split keeps together. Of 60 bursts of 6 crops (at least 0.85 of the side), half
mirrored, of other brightness, 58 came out whole (turtle_neck) and 60 (TrashNet), and 2 and 3 clusters held several scenes; with
crops of 0.7, 53 and 59 were whole. Pictures that all look alike, such as hands on a wall, are joined across scenes as well."""
ALIKE_PLAIN = 0.95
"""Of plain features, whatever the rest of the folder is like: where one scene is most of a folder, it is also the mean. Different
photos reached 0.91 at most, 0.94 among those hands."""
SCALES = tuple(1.075**step for step in range(-6, 6))
"""From 0.65 to 1.44."""


class Link(NamedTuple):
    """Two photos, by index, that belong together, and how."""

    first: int
    second: int
    kind: Kind


def perceptual_hash(sketches: Sketches) -> Hashes:
    """(N, 64, 64) grey -> (N,): the sign of 63 low frequencies of the cosine transform (Zauner 2010, section 3.2.1)."""
    waves = np.cos(np.pi / 32 * np.arange(8)[:, None] * (np.arange(32) + 0.5))
    low = (waves @ _coarse(sketches) @ waves.T).reshape(len(sketches), 64)[:, 1:]
    bits = low > np.median(low, axis=1, keepdims=True)
    weights = np.uint64(1) << np.arange(63, dtype=np.uint64)
    result: Hashes = np.where(bits, weights, np.uint64(0)).sum(1, dtype=np.uint64)
    return result


def _coarse(sketches: Sketches) -> Features:
    """(N, 64, 64) -> (N, 32, 32)."""
    result: Features = sketches.reshape(-1, 32, 2, 32, 2).mean((2, 4), dtype=np.float32)
    return result


def find_links(scan: Scan) -> list[Link]:
    """Pairs that connect every cluster; not all pairs of a cluster."""
    links, unique = _identical(scan)
    sketches = [scan.facts[index].sketch for index in unique]
    textured = [i for i, sketch in enumerate(sketches) if sketch is not None and sketch.std() >= FLAT]
    if len(textured) < 2:
        return links
    rows = np.array(unique)[textured]
    kept: Sketches = np.stack([sketch for i in textured if (sketch := sketches[i]) is not None])
    features = scan.features[rows]
    found = list(_hashed(kept, features))
    linked = {(link.first, link.second) for link in found}
    wanted = [pair for pair in _neighbours(features) if pair not in linked]
    aligned = map_in_threads(lambda pair: aligned_correlation(kept[pair[0]], kept[pair[1]]), wanted)
    found += [Link(*pair, "scene") for pair, value in zip(wanted, aligned, strict=True) if value >= ALIGNED]
    return links + [Link(int(rows[first]), int(rows[second]), kind) for first, second, kind in found]


def _identical(scan: Scan) -> tuple[list[Link], list[int]]:
    """Links between files of the same bytes, and the first of each."""
    first: dict[int, int] = {}
    links = []
    for index, fact in enumerate(scan.facts):
        if fact.error is None and first.setdefault(fact.digest, index) != index:
            links.append(Link(first[fact.digest], index, "bytes"))
    return links, list(first.values())


def _hashed(sketches: Sketches, features: Features) -> Iterator[Link]:
    """Copies, mirrored copies and frames of one scene whose hashes are near."""
    hashes, mirrored = perceptual_hash(sketches), perceptual_hash(sketches[:, :, ::-1])
    coarse = _coarse(sketches)
    for rows, cosine in similarity_blocks(features):
        later = np.arange(len(hashes)) > rows[:, None]
        plain = np.bitwise_count(hashes[rows, None] ^ hashes)
        turned = np.bitwise_count(mirrored[rows, None] ^ hashes)
        for first, second in _best(later & (plain <= NEAR) & (cosine >= COPY_COSINE), cosine):
            i = int(rows[first])
            if plain[first, second] <= SAME and _correlation(coarse[i], coarse[second]) >= CORRELATION:
                yield Link(i, second, "copy")
            elif cosine[first, second] >= SCENE_COSINE:
                yield Link(i, second, "scene")
        # A symmetric picture is its own mirror image, and its copies are found above.
        for first, second in _best(later & (turned <= SAME) & (plain > NEAR) & (cosine >= COPY_COSINE), cosine):
            i = int(rows[first])
            if _correlation(coarse[i][:, ::-1], coarse[second]) >= CORRELATION:
                yield Link(i, second, "mirrored")


def _best(wanted: npt.NDArray[np.bool_], cosine: Features) -> Iterator[tuple[int, int]]:
    """Of each row the few most alike that are wanted."""
    for row in np.flatnonzero(wanted.any(1)).tolist():
        columns = np.flatnonzero(wanted[row])
        yield from ((row, int(column)) for column in columns[np.argsort(-cosine[row, columns], kind="stable")[:KEPT]])


def _correlation(one: Features, other: Features) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


def _neighbours(features: Features) -> list[tuple[int, int]]:
    """Pairs of photos one of which is among the other's nearest, if it is near at all."""
    pairs: set[tuple[int, int]] = set()
    n = min(NEIGHBOURS, len(features) - 1)
    for rows, cosine in similarity_blocks(features):
        cosine[np.arange(len(rows)), rows] = -1
        nearest = np.argpartition(-cosine, n - 1, axis=1)[:, :n]
        near = np.take_along_axis(cosine, nearest, axis=1) >= CROP_COSINE
        for one, other in zip(np.repeat(rows, near.sum(1)).tolist(), nearest[near].tolist(), strict=True):
            pairs.add((min(one, other), max(one, other)))
    return sorted(pairs)


def aligned_correlation(one: Sketches, other: Sketches) -> float:
    """How well the middle of either (64, 64) photo fits somewhere in the other at some scale: -1 to 1."""
    blurred = [cv2.GaussianBlur(sketch, (0, 0), BLUR) for sketch in (one, other)]
    halves = [cv2.resize(sketch, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for sketch in blurred]
    coarse = max(_best_fit(*halves), _best_fit(*halves[::-1]))
    return coarse if coarse < HOPELESS else max(_best_fit(*blurred), _best_fit(*blurred[::-1]))


def _best_fit(whole: npt.NDArray[Any], part: npt.NDArray[Any]) -> float:
    side = round(MIDDLE * len(part))
    margin = (len(part) - side) // 2
    middle = part[margin : margin + side, margin : margin + side]
    if middle.std() < FLAT:
        return -1.0
    sides = {scaled for scale in SCALES if (scaled := round(side * scale)) <= len(whole)}
    templates = (cv2.resize(middle, (scaled, scaled), interpolation=cv2.INTER_AREA) for scaled in sides)
    return max(float(cv2.matchTemplate(whole, template, cv2.TM_CCOEFF_NORMED).max()) for template in templates)


def scene_groups(photos: Photos, progress: Progress) -> npt.NDArray[np.str_]:
    """The group (N,) of each photo: the first path, in alphabetical order, of the photos that are linked to it.

    Links are followed from photo to photo (single linkage), so the two ends of a burst may look different. A pair at a threshold
    may fall on the other side with another version of torch or another processor.

    Args:
        photos: Of N rows; all can be read.
        progress: Told how many photos of how many were read.
    """
    order = np.argsort(photos.paths)
    scanned = scan([Path(photos.file(index)) for index in order.tolist()], progress)
    links = [(link.first, link.second) for link in find_links(scanned)]
    names = np.array([normalise_name(path) for path in photos.paths[order].tolist()], dtype=np.str_)
    result = np.empty_like(names)
    result[order] = names[join_alike(scanned.features, connect(len(photos), links))]
    return result


def join_alike(features: Features, clusters: Ints) -> Ints:
    """Clusters (N,), joined where the features (N, D) of two photos are alike: the lowest index of each photo's cluster.

    The mean over the folder is taken off: what all photos share, such as a room or a style, tells no scenes apart.
    """
    plain, centred = _unit(features), _unit(features - features.mean(0))
    for (rows, cosine), (_, cosine_plain) in zip(similarity_blocks(centred), similarity_blocks(plain), strict=True):
        alike = (cosine >= ALIKE) | (cosine_plain >= ALIKE_PLAIN)
        first, second = np.nonzero(alike & (clusters[rows, None] != clusters))
        clusters = connect(len(clusters), np.stack([clusters[rows][first], clusters[second]], axis=1))[clusters]
    return clusters


def _unit(vectors: Features) -> Features:
    result: Features = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return result


def connect(n: int, pairs: Ints | Sequence[tuple[int, int]]) -> Ints:
    """The lowest index (n,) of all that pairs (P, 2) of indices connect each one to, directly or by way of others."""
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_matrix((np.ones(len(ends)), ends.T), shape=(n, n))
    _, first, codes = np.unique(connected_components(graph, directed=False)[1], return_index=True, return_inverse=True)
    result: Ints = first[codes]
    return result
