"""Pictures that are there many times, such as what a web site shows in place of a missing photo."""

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.duplicate_clusters import IDENTICAL, Duplicates
from posture_classifier.check.finding import Finding
from posture_classifier.utils.text import plural

MANY = 5
"""Files of one picture from which it is hardly a slip of copying."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report each picture of many files, the most frequent first."""
    photos = folder.photos
    repeated = [cluster for cluster in _stars(folder.duplicates) if len(cluster) >= MANY]
    if not repeated:
        return []
    n = sum(map(len, repeated))
    text = (
        f"{plural(len(repeated), 'picture is', 'pictures are')} there {MANY} times or more, as {n} files: a placeholder, such as "
        '"image not found"? Then remove all of them.'
    )
    captions = []
    for cluster in repeated:
        names = [photos.classes[label] for label in np.unique(photos.labels[cluster])]
        captions.append(f"{len(cluster)} times, in {' and '.join(names)}")
    paths = [[str(photos.paths[index]) for index in cluster] for cluster in repeated]
    return [Finding("placeholders", "warning", text, paths, captions, {"pictures": len(repeated), "photos": n})]


def _stars(duplicates: Duplicates) -> list[list[int]]:
    """Each picture with all that is directly the same as one of its files; nothing is chained."""
    partners: dict[int, set[int]] = {}
    for kind in (*IDENTICAL, "copies"):
        for link in duplicates.links[kind]:
            partners.setdefault(link.first, {link.first}).add(link.second)
            partners.setdefault(link.second, {link.second}).add(link.first)
    stars: list[list[int]] = []
    taken: set[int] = set()
    for star in sorted(partners.values(), key=len, reverse=True):
        if taken.isdisjoint(star):
            stars.append(sorted(star))
            taken |= star
    return stars
