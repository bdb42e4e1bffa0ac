"""Which photos of a folder show the same picture or the same moment."""

from dataclasses import dataclass

import numpy as np

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


def find_duplicates(photos: Photos, scan: Scan) -> Duplicates:
    """Compare all photos with each other."""
    links = find_links(scan)
    kinds = map_in_threads(lambda link: _kind(photos, scan, link), links)
    by_kind: dict[str, list[Link]] = {kind: [] for kind in KINDS}
    for link, kind in zip(links, kinds, strict=True):
        by_kind[kind].append(link)
    return Duplicates(by_kind, _connect(len(photos), links))


def _kind(photos: Photos, scan: Scan, link: Link) -> str:
    if link.kind == "copy":
        return "identical_pixels" if _equal_pixels(photos, scan, link) else "copies"
    return {"bytes": "identical_files", "mirrored": "mirrored_copies", "scene": "same_scene"}[link.kind]


def _equal_pixels(photos: Photos, scan: Scan, link: Link) -> bool:
    one, other = scan.facts[link.first], scan.facts[link.second]
    if sorted((one.width, one.height)) != sorted((other.width, other.height)):
        return False
    first, second = (np.asarray(decode(photos.file(index), white=scan.deep.white)) for index in (link.first, link.second))
    return np.array_equal(first, second)


def _connect(n: int, links: list[Link]) -> Ints:
    return connect(n, [(link.first, link.second) for link in links])
