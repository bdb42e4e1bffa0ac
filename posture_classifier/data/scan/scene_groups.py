"""Groups of photos of one scene, for ``data.group_by cluster``.

They join near-duplicates, and what network and pixels find alike besides: for a split, a pair too
many costs less than one too few, but a group of look-alikes makes a split that means nothing.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rich.progress import Progress

from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import connect, find_links
from posture_classifier.data.scan.scan import Scan, scan_photos
from posture_classifier.data.scan.scene_pairs import scene_pairs
from posture_classifier.utils.console import terminal
from posture_classifier.utils.text import normalise_name, plural, shortlist
from posture_classifier.utils.types import Ints

LARGE_SCENE = 0.1
"""Share of all photos from which a scene is doubted."""
LEAST_DOUBTED = 3
"""Photos of a scene from which it is doubted: two are a pair to look at, not a chain."""


class DoubtedScene(NamedTuple):
    """A scene that may be several: of more than one class, or over a tenth of all photos.

    The whole video of a person in both postures is one, too, so a person has to look.
    """

    members: Ints
    classes: list[str]


def scene_groups(photos: Photos) -> npt.NDArray[np.str_]:
    """Name the scene (N,) of N readable photos, each by its first path in alphabetical order.

    Pairs are followed from photo to photo, so the two ends of a burst may look different. A pair at
    a threshold may fall on the other side with another version of torch or another processor.
    """
    order = np.argsort(photos.paths)
    files = [photos.file(index) for index in order.tolist()]
    with Progress(console=terminal(), transient=True) as bar:
        task = bar.add_task("Looking for photos of one scene", total=len(photos))
        scanned = scan_photos(files, lambda done, _: bar.update(task, completed=done))
    links = [(link.first, link.second) for link in find_links(scanned)]
    names = np.array([normalise_name(path) for path in photos.paths[order].tolist()], dtype=np.str_)
    result = np.empty_like(names)
    result[order] = names[find_scenes(scanned, connect(len(photos), links))]
    return result


def find_scenes(scan: Scan, clusters: Ints) -> Ints:
    """Join clusters (N,) of near-duplicates to scenes (N,), each the lowest index of its photos."""
    rows = np.array([index for index, fact in enumerate(scan.facts) if fact.sketch is not None], dtype=np.int64)
    if len(rows) < 2:
        return clusters
    sketches = np.stack([scan.facts[index].sketch for index in rows.tolist()])
    features = scan.features if len(rows) == len(scan.facts) else scan.features[rows]  # a copy is as large as they are
    pairs = rows[scene_pairs(features, sketches, clusters[rows])]
    return connect(len(clusters), np.concatenate([pairs, np.stack([np.arange(len(clusters)), clusters], axis=1)]))


def doubted_scenes(photos: Photos, scenes: npt.NDArray[np.generic]) -> list[DoubtedScene]:
    """List the scenes (N,) of photos that may be several, largest first."""
    _, codes, sizes = np.unique(scenes, return_inverse=True, return_counts=True)
    order = np.argsort(codes, kind="stable")
    found = []
    for members in np.split(order, np.cumsum(sizes)[:-1]):
        classes = [photos.classes[label] for label in np.unique(photos.labels[members]).tolist()]
        if len(members) >= LEAST_DOUBTED and (len(classes) > 1 or len(members) > LARGE_SCENE * len(photos)):
            found.append(DoubtedScene(members, classes))
    return sorted(found, key=lambda scene: -len(scene.members))


def describe_doubts(photos: Photos, doubted: list[DoubtedScene]) -> str:
    """Say in a sentence which scenes are doubted, each by its first photo, and what to do."""
    n = len(doubted)
    named = [
        f"{photos.paths[scene.members[0]]} and {plural(len(scene.members) - 1, 'other')} ({', '.join(scene.classes)})"
        for scene in doubted
    ]
    return (
        f"{plural(n, 'scene')} of data.group_by cluster {'has' if n == 1 else 'have'} photos of several classes, or over a tenth "
        f"of all photos: {shortlist(named, 3)}; look whether each is one video or burst, and name groups with "
        "data.group_pattern if one is not"
    )
