"""Copies: contradictory labels, leaks into testing, superfluous photos, and placeholders."""

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.duplicate_clusters import IDENTICAL, KINDS, SAME_PICTURE, Clusters, Duplicates
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import Photos
from posture_classifier.utils.text import plural

SPLIT_ORDER = ("", "train", "val", "test")
MANY = 5
"""Files of one picture from which it is hardly a slip of copying."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report contradictory labels, leaks between splits, copies by kind, and placeholders."""
    photos, duplicates = folder.photos, folder.duplicates
    by_kind = {kind: duplicates.clusters_by(kind) for kind in KINDS}
    copies = [_copies(photos, kind, clusters) for kind, clusters in by_kind.items() if clusters]
    wrong = [*_leaks(photos, duplicates), *_contradictions(photos, duplicates)]
    return [*wrong, *copies, *_placeholders(photos, duplicates)]


def _copies(photos: Photos, kind: str, clusters: Clusters) -> Finding:
    """Report one kind of copies; how to keep them together is said once, with the groups."""
    n = sum(map(len, clusters))
    text = f"{plural(len(clusters), 'cluster')} of {KINDS[kind]}, {plural(n, 'photo')} in all."
    values = {"clusters": len(clusters), "photos": n}
    captions: list[str] = []
    exclude: dict[str, str] = {}
    severity: Severity = "note"
    if kind in IDENTICAL:
        text += " Keep one of each."
        exclude = _superfluous(photos, clusters)
        severity = "warning"
    elif _kept_together(photos, clusters):
        text += " They are kept together."
    mixed = [cluster for cluster in clusters if len(_classes(photos, cluster)) > 1]
    if mixed and kind not in SAME_PICTURE:
        clusters = mixed + [cluster for cluster in clusters if cluster not in mixed]
        captions = [" and ".join(_classes(photos, cluster)) for cluster in clusters]
        text += f" {plural(len(mixed), 'cluster has', 'clusters have')} photos of more than one class; look whether that can be."
        values["of_several_classes"] = len(mixed)
    return Finding(kind, severity, text, _paths(photos, clusters), captions, values, exclude)


def _kept_together(photos: Photos, clusters: Clusters) -> bool:
    """Whether each cluster lies in one group, or in one part of the user's own split."""
    names = photos.groups if photos.grouped else photos.splits
    return bool(names[0]) and all(len(set(names[cluster].tolist())) == 1 for cluster in clusters)


def _superfluous(photos: Photos, clusters: Clusters) -> dict[str, str]:
    """All but one photo of each cluster of one class, with the reason to leave it out."""
    exclude = {}
    for cluster in clusters:
        if len(_classes(photos, cluster)) == 1:
            kept = _in_last_split(photos, cluster)[0]
            reason = f"same as {photos.paths[kept]}"
            exclude.update({str(photos.paths[index]): reason for index in cluster if index != kept})
    return exclude


def _classes(photos: Photos, cluster: list[int]) -> list[str]:
    """Names of the classes that occur in a cluster."""
    return [photos.classes[label] for label in sorted(set(photos.labels[cluster].tolist()))]


def _contradictions(photos: Photos, duplicates: Duplicates) -> list[Finding]:
    """Report one picture in different classes: at least one of the labels is wrong.

    Photos are left out only where files or pixels are equal. A picture saved again is for somebody
    to look at, and what merely looks alike may well change its class from frame to frame.
    """
    equal, pictures = duplicates.pictures(), duplicates.pictures("copies")
    wrong = [cluster for cluster in pictures if len(_classes(photos, cluster)) > 1]
    if not wrong:
        return []
    captions = [" or ".join(_classes(photos, cluster)) for cluster in wrong]
    text = f"{plural(len(wrong), 'picture')} in more than one class. Decide which label is right, and remove the other copies."
    certain = [cluster for cluster in wrong if cluster in equal]
    exclude = {str(photos.paths[index]): "the same picture has another label" for cluster in certain for index in cluster}
    return [Finding("contradictory_labels", "error", text, _paths(photos, wrong), captions, {"clusters": len(wrong)}, exclude)]


def _leaks(photos: Photos, duplicates: Duplicates) -> list[Finding]:
    """Report pictures and moments that are in more than one part of the user's own split."""
    pictures = _crossing(photos, duplicates.pictures("copies", "mirrored_copies"))
    reported = {index for cluster in pictures for index in cluster}
    moments = [cluster for cluster in _crossing(photos, duplicates.clusters_by(*KINDS)) if not reported.issuperset(cluster)]
    findings = []
    if pictures:
        earlier = sorted({index for cluster in pictures for index in set(cluster) - set(_in_last_split(photos, cluster))})
        exclude = {str(photos.paths[index]): "also in a later split" for index in earlier}
        findings.append(_leak(photos, "leaks", "error", "picture", pictures, exclude))
    if moments:
        findings.append(_leak(photos, "scene_leaks", "warning", "moment", moments, {}))
    return findings


def _crossing(photos: Photos, clusters: Clusters) -> Clusters:
    return [cluster for cluster in clusters if len(set(photos.splits[cluster].tolist())) > 1]


def _leak(photos: Photos, kind: str, severity: Severity, what: str, clusters: Clusters, exclude: dict[str, str]) -> Finding:
    """Report clusters that cross splits, with the share of each split that they touch."""
    leaked = sorted({index for cluster in clusters for index in cluster})
    shares = {
        name: float((photos.splits[leaked] == name).sum() / (photos.splits == name).sum())
        for name in ("val", "test")
        if name in photos.splits
    }
    sides = " and ".join(f"{share:.1%} of the {name} photos" for name, share in shares.items())
    number = plural(len(clusters), f"{what} is", f"{what}s are")
    text = f"{number} in more than one split: {sides} were seen before, so results on them are too good."
    captions = [", ".join(photos.splits[cluster].tolist()) for cluster in clusters]
    return Finding(kind, severity, text, _paths(photos, clusters), captions, shares, exclude)


def _in_last_split(photos: Photos, cluster: list[int]) -> list[int]:
    """List the photos in the last split that a cluster reaches.

    They are never left out, so that the test photos remain what they were.
    """
    last = max(SPLIT_ORDER.index(split) for split in photos.splits[cluster].tolist())
    return [index for index in cluster if photos.splits[index] == SPLIT_ORDER[last]]


def _paths(photos: Photos, clusters: Clusters) -> list[list[str]]:
    return [photos.paths[cluster].tolist() for cluster in clusters]


def _placeholders(photos: Photos, duplicates: Duplicates) -> list[Finding]:
    """Report each picture of many files, such as what a web site shows in place of a lost photo."""
    repeated = [cluster for cluster in _stars(duplicates) if len(cluster) >= MANY]
    if not repeated:
        return []
    n = sum(map(len, repeated))
    text = (
        f"{plural(len(repeated), 'picture is', 'pictures are')} there {MANY} times or more, as {n} files: a placeholder, such as "
        '"image not found"? Then remove all of them.'
    )
    captions = [f"{len(cluster)} times, in {' and '.join(_classes(photos, cluster))}" for cluster in repeated]
    values = {"pictures": len(repeated), "photos": n}
    return [Finding("placeholders", "warning", text, _paths(photos, repeated), captions, values)]


def _stars(duplicates: Duplicates) -> Clusters:
    """Each picture with all that is directly the same as one of its files; nothing is chained."""
    partners: dict[int, set[int]] = {}
    for kind in SAME_PICTURE:
        for link in duplicates.links[kind]:
            partners.setdefault(link.first, {link.first}).add(link.second)
            partners.setdefault(link.second, {link.second}).add(link.first)
    stars: Clusters = []
    taken: set[int] = set()
    for star in sorted(partners.values(), key=len, reverse=True):
        if taken.isdisjoint(star):
            stars.append(sorted(star))
            taken |= star
    return stars
