"""Which photos of a folder show the same picture or the same moment."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from PIL import Image

from posture_classifier.check.same_picture import Sketch, plainly_moved, read_grey, same_picture
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import Link, connect, find_links
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.decode import decode
from posture_classifier.utils.threads import map_in_threads
from posture_classifier.utils.types import Ints

Clusters = list[list[int]]
KINDS = {
    "identical_files": "files with the same bytes",
    "identical_pixels": "files with the same pixels, stored in another way",
    "copies": "re-encoded, resized or brightened copies",
    "mirrored_copies": "mirrored copies",
    "same_scene": "photos of one moment: bursts, video frames or crops",
}
"""What the clusters of each kind of finding consist of."""
IDENTICAL = ("identical_files", "identical_pixels")
SAME_PICTURE = (*IDENTICAL, "copies")
"""Kinds whose photos must have one label and lie in one split; a left hand and its mirror image, a
right hand, may have two labels."""

KEPT = 128
"""Grey pictures that are kept while pairs are compared: at most 32 MB."""
SKETCH_TOLERANCE = 8
"""Levels by which sketches of equal pixels may differ, since a large JPEG's is made of a smaller
decoding than another format's."""


@dataclass(frozen=True)
class Duplicates:
    """Which of N photos belong together.

    Attributes:
        links: Pairs of photos by each of ``KINDS``.
        clusters: (N,) number of each photo's cluster, over the links of all kinds.
    """

    links: dict[str, list[Link]]
    clusters: Ints

    def clusters_by(self, *kinds: str) -> Clusters:
        """List the clusters of two and more photos that links of these kinds connect."""
        links = [link for kind in kinds for link in self.links[kind]]
        members: dict[int, list[int]] = {}
        for index, cluster in enumerate(_connect(len(self.clusters), links).tolist()):
            members.setdefault(cluster, []).append(index)
        return [cluster for cluster in members.values() if len(cluster) > 1]

    def pictures(self, *kinds: str) -> Clusters:
        """List photos that are certainly one picture, without chains.

        What equals the same photo is equal, so those are whole clusters. Links of ``kinds`` are not
        followed from photo to photo: each is a pair of its own.
        """
        return self.clusters_by(*IDENTICAL) + [[link.first, link.second] for kind in kinds for link in self.links[kind]]


def find_duplicates(photos: Photos, scan: Scan) -> Duplicates:
    """Compare all photos with each other."""
    links = find_links(scan)
    # The links of a photo come one after the other.
    read = lru_cache(KEPT)(partial(read_grey, white=scan.deep.white))
    kinds = map_in_threads(lambda link: _kind(photos, scan, link, read), links)
    by_kind: dict[str, list[Link]] = {kind: [] for kind in KINDS}
    for link, kind in zip(links, kinds, strict=True):
        by_kind[kind].append(link)
    return Duplicates(by_kind, _connect(len(photos), links))


def _kind(photos: Photos, scan: Scan, link: Link, read: Callable[[Path], Image.Image]) -> str:
    """What a link is, after a closer look: frames of a video correlate like copies."""
    if link.kind == "bytes":
        return "identical_files"
    if link.kind == "scene":
        return "same_scene"
    # A resized picture may lie elsewhere by a part of a pixel.
    if link.kind == "copy" and (sketches := _sketches(scan, link)):
        if _equal_pixels(photos, scan, link, *sketches):
            return "identical_pixels"
        if plainly_moved(*sketches):
            return "same_scene"
    files = [Path(photos.file(index)) for index in (link.first, link.second)]
    mirrored = link.kind == "mirrored"
    if not same_picture(files[0], files[1], read, mirrored):
        return "same_scene"
    return "mirrored_copies" if mirrored else "copies"


def _sketches(scan: Scan, link: Link) -> tuple[Sketch, Sketch] | None:
    """The sketches of two photos of one size, upright or not; None of a resized picture."""
    one, other = scan.facts[link.first], scan.facts[link.second]
    if sorted((one.width, one.height)) != sorted((other.width, other.height)) or one.sketch is None or other.sketch is None:
        return None
    return one.sketch, other.sketch


def _equal_pixels(photos: Photos, scan: Scan, link: Link, one: Sketch, other: Sketch) -> bool:
    # Most frames of a video differ even in their sketches, which saves decoding them.
    if np.abs(one.astype(np.int16) - other).max() > SKETCH_TOLERANCE:
        return False
    first, second = (np.asarray(decode(photos.file(index), white=scan.deep.white)) for index in (link.first, link.second))
    return np.array_equal(first, second)


def _connect(n: int, links: list[Link]) -> Ints:
    return connect(n, [(link.first, link.second) for link in links])
