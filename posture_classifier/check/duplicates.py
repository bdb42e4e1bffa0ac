"""Copies: what they waste, where they contradict each other, and where they leak from training into testing."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import Kind, Link, connect, find_links
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.decode import decode
from posture_classifier.utils.text import plural
from posture_classifier.utils.threads import map_in_threads

Clusters = list[list[int]]
COPIES: tuple[Kind, ...] = ("bytes", "copy")
"""One picture: another label or another split is a fault beyond doubt."""
NAMES = {
    "identical_files": "files with the same bytes",
    "identical_pixels": "files with the same pixels, stored in another way",
    "copies": "re-encoded, resized or brightened copies",
    "mirrored": "mirrored copies",
    "same_scene": "photos of one moment: bursts, video frames or crops",
}
MAY_DIFFER = ("mirrored", "same_scene")
"""Kinds in which several classes are a question, not a fault: left and right hand, or two postures in one minute."""


@dataclass(frozen=True)
class Duplicates:
    """Which of N photos belong together.

    Attributes:
        links: Pairs.
        same_pixels: Those pairs of ``copy`` whose pixels are equal.
        clusters: (N,) number of each photo's cluster, whichever kind of link connects it.
    """

    links: list[Link]
    same_pixels: set[tuple[int, int]]
    clusters: npt.NDArray[np.int64]

    def of(self, *kinds: Kind) -> Clusters:
        """Clusters of two and more that these kinds of links connect."""
        return _members(_connect(len(self.clusters), [link for link in self.links if link.kind in kinds]))


def find_duplicates(photos: Photos, scan: Scan) -> Duplicates:
    """Compare all photos with each other."""
    links = find_links(scan)
    copies = [link for link in links if link.kind == "copy"]
    equal = map_in_threads(lambda link: _equal_pixels(photos, scan, link), copies)
    same = {(link.first, link.second) for link, yes in zip(copies, equal, strict=True) if yes}
    return Duplicates(links, same, _connect(len(photos), links))


def _equal_pixels(photos: Photos, scan: Scan, link: Link) -> bool:
    one, other = scan.facts[link.first], scan.facts[link.second]
    if sorted((one.width, one.height)) != sorted((other.width, other.height)):
        return False
    pixels = [np.asarray(decode(photos.file(index))) for index in link[:2]]
    return pixels[0].shape == pixels[1].shape and bool((pixels[0] == pixels[1]).all())


def _connect(n: int, links: list[Link]) -> npt.NDArray[np.int64]:
    return connect(n, [(link.first, link.second) for link in links])


def _members(clusters: npt.NDArray[np.int64]) -> Clusters:
    found: dict[int, list[int]] = {}
    for index, cluster in enumerate(clusters.tolist()):
        found.setdefault(cluster, []).append(index)
    return [members for members in found.values() if len(members) > 1]


def duplicate_findings(photos: Photos, duplicates: Duplicates) -> list[Finding]:
    """Copies by kind, contradictory labels, and leaks."""
    by_kind = {
        "identical_files": duplicates.of("bytes"),
        "identical_pixels": _members(
            _connect(len(photos), [link for link in duplicates.links if (link.first, link.second) in duplicates.same_pixels])
        ),
        "copies": _members(
            _connect(
                len(photos),
                [x for x in duplicates.links if x.kind == "copy" and (x.first, x.second) not in duplicates.same_pixels],
            )
        ),
        "mirrored": duplicates.of("mirrored"),
        "same_scene": duplicates.of("scene"),
    }
    findings = [_copies(photos, kind, clusters) for kind, clusters in by_kind.items() if clusters]
    return [*contradictions(photos, duplicates.of(*COPIES)), *leaks(photos, duplicates), *findings]


def _copies(photos: Photos, kind: str, clusters: Clusters) -> Finding:
    """One kind of copies; those that groups or the user's split keep together are worth a note only."""
    sides = photos.groups if photos.grouped else photos.splits
    kept_together = all(len(set(sides[cluster].tolist())) == 1 for cluster in clusters) and bool(sides[0])
    identical = kind.startswith("identical")
    n = sum(map(len, clusters))
    severity: Severity = "note" if kept_together and not identical else "warning"
    advice = (
        "They are kept together."
        if kept_together
        else "A random split puts them on both sides; name groups with --group_pattern, or set data.group_by to cluster."
    )
    text = f"{plural(len(clusters), 'cluster')} of {NAMES[kind]}, {n} photos in all. {'Keep one of each.' if identical else advice}"
    paths = photos.paths.tolist()
    exclude = {}
    if identical:
        same_label = [cluster for cluster in clusters if len(_classes(photos, cluster)) == 1]
        kept = [(_latest(photos, cluster)[0], cluster) for cluster in same_label]
        exclude = {paths[i]: f"same as {paths[keep]}" for keep, cluster in kept for i in cluster if i != keep}
    values, captions = {"clusters": len(clusters), "photos": n}, []
    if kind in MAY_DIFFER and (mixed := [cluster for cluster in clusters if len(_classes(photos, cluster)) > 1]):
        clusters = mixed + [cluster for cluster in clusters if cluster not in mixed]
        captions = [" and ".join(_classes(photos, cluster)) for cluster in clusters]
        text += f" {plural(len(mixed), 'cluster has', 'clusters have')} photos of more than one class; look whether that can be."
        values["of_several_classes"] = len(mixed)
    return Finding(kind, severity, text, _paths(photos, clusters), captions, values, exclude)


def _classes(photos: Photos, cluster: list[int]) -> list[str]:
    """The classes that occur in a cluster."""
    return [photos.classes[label] for label in sorted(set(photos.labels[cluster].tolist()))]


def contradictions(photos: Photos, clusters: Clusters) -> list[Finding]:
    """Copies of one picture in different classes: at least one of the labels is wrong."""
    wrong = [cluster for cluster in clusters if len(_classes(photos, cluster)) > 1]
    if not wrong:
        return []
    names = [" or ".join(_classes(photos, cluster)) for cluster in wrong]
    text = f"{plural(len(wrong), 'picture')} in more than one class. Decide which label is right, and remove the other copies."
    exclude = {str(photos.paths[index]): "the same picture has another label" for cluster in wrong for index in cluster}
    return [Finding("contradictory_labels", "error", text, _paths(photos, wrong), names, {"clusters": len(wrong)}, exclude)]


def leaks(photos: Photos, duplicates: Duplicates) -> list[Finding]:
    """Pictures and moments on two sides of the user's own split, and how much of each side they touch."""
    findings = []
    scenes = duplicates.of("bytes", "copy", "mirrored", "scene")
    copies = duplicates.of(*COPIES, "mirrored")
    certain = [cluster for cluster in copies if _crosses(photos, cluster)]
    touched = {index for cluster in certain for index in cluster}
    likely = [cluster for cluster in scenes if _crosses(photos, cluster) and not touched & set(cluster)]
    for kind, severity, clusters, what in (
        ("leaks", "error", certain, "picture"),
        ("scene_leaks", "warning", likely, "moment"),
    ):
        if clusters:
            shares = {name: _share(photos, clusters, name) for name in ("val", "test") if name in photos.splits}
            sides = " and ".join(f"{share:.1%} of the {name} photos" for name, share in shares.items())
            number = plural(len(clusters), f"{what} is", f"{what}s are")
            text = f"{number} in more than one split: {sides} were seen before, so figures on them flatter."
            captions = [", ".join(photos.splits[cluster].tolist()) for cluster in clusters]
            earlier = sorted(index for cluster in clusters for index in set(cluster) - set(_latest(photos, cluster)))
            exclude = {str(photos.paths[index]): "also in a later split" for index in earlier}
            findings.append(Finding(kind, severity, text, _paths(photos, clusters), captions, shares, exclude))  # type: ignore[arg-type]
    return findings


def _crosses(photos: Photos, cluster: list[int]) -> bool:
    return len(set(photos.splits[cluster].tolist())) > 1


def _share(photos: Photos, clusters: Clusters, split: str) -> float:
    """Share of a split's photos that have a copy in another split."""
    return float(sum((photos.splits[cluster] == split).sum() for cluster in clusters) / (photos.splits == split).sum())


def _latest(photos: Photos, cluster: list[int]) -> list[int]:
    """Those in the last split that a cluster reaches, which stay, so that the test photos are what they were."""
    order = ("", "train", "val", "test")
    last = max(order.index(split) for split in photos.splits[cluster].tolist())
    return [index for index in cluster if photos.splits[index] == order[last]]


def _paths(photos: Photos, clusters: Clusters) -> list[list[str]]:
    return [[str(photos.paths[index]) for index in cluster] for cluster in clusters]
