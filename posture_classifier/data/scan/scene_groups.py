"""Groups of photos of one scene, for ``data.group_by cluster``.

They join near-duplicates, and what the network finds similar besides: for a split, a pair too many
costs less than one too few.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from posture_classifier.data.folder import Photos, normalise_name
from posture_classifier.data.scan.near_duplicates import Ints, connect, find_links
from posture_classifier.data.scan.scan import Scan, scan_photos
from posture_classifier.data.scan.similarity import Features, similarity_blocks

CENTRED_COSINE = 0.6
"""Least cosine of the centred features of photos that a split keeps together.

Of 60 bursts of 6 crops (at least 0.85 of the side), half of them mirrored, of other brightness, 58
came out whole (turtle_neck) and 60 (TrashNet), and 2 and 3 clusters held several scenes; with crops
of 0.7, 53 and 59 were whole. Pictures that all look alike, such as hands on a wall, are joined
across scenes as well."""
PLAIN_COSINE = 0.95
"""Least cosine of their plain features, whatever the rest of the folder is like.

Where one scene is most of a folder, it is also the mean that centring subtracts. Different photos
reached 0.91 at most, 0.94 among those hands."""


def scene_groups(photos: Photos) -> npt.NDArray[np.str_]:
    """Group photos of one scene, and name each group by its first path in alphabetical order.

    Links are followed from photo to photo (single linkage), so the two ends of a burst may look
    different. A pair at a threshold may fall on the other side with another version of torch or
    another processor.

    Args:
        photos: N photos, all of which can be read.

    Returns:
        (N,) the name of each photo's group.
    """
    order = np.argsort(photos.paths)
    files = [Path(photos.file(index)) for index in order.tolist()]
    with Progress(transient=True) as bar:
        task = bar.add_task("Looking for photos of one scene", total=len(photos))
        scanned = scan_photos(files, lambda done, _: bar.update(task, completed=done))
    links = [(link.first, link.second) for link in find_links(scanned)]
    names = np.array([normalise_name(path) for path in photos.paths[order].tolist()], dtype=np.str_)
    result = np.empty_like(names)
    result[order] = names[find_scenes(scanned, connect(len(photos), links))]
    return result


def find_scenes(scan: Scan, clusters: Ints) -> Ints:
    """Join clusters of near-duplicates that show one scene.

    Args:
        scan: Facts and features of N photos.
        clusters: (N,) cluster of near-duplicates that each photo is in.

    Returns:
        (N,) the lowest index of each photo's scene.
    """
    return merge_similar(scan.features, clusters)


def merge_similar(features: Features, clusters: Ints) -> Ints:
    """Merge clusters (N,) that hold photos with similar features (N, D).

    The features are centred, too: what all photos share, such as a room or a style, tells no scenes
    apart.

    Returns:
        (N,) the lowest index of each photo's cluster.
    """
    plain, centred = _unit(features), _unit(features - features.mean(0))
    for (rows, cosine), (_, cosine_plain) in zip(similarity_blocks(centred), similarity_blocks(plain), strict=True):
        similar = (cosine >= CENTRED_COSINE) | (cosine_plain >= PLAIN_COSINE)
        first, second = np.nonzero(similar & (clusters[rows, None] != clusters))
        clusters = connect(len(clusters), np.stack([clusters[rows][first], clusters[second]], axis=1))[clusters]
    return clusters


def _unit(vectors: Features) -> Features:
    result: Features = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return result
