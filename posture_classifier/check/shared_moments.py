"""Groups that share moments: one video under two names, or a wrong name."""

from collections import Counter

import numpy as np
import numpy.typing as npt

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.duplicate_clusters import SAME_PICTURE, Duplicates
from posture_classifier.check.finding import Finding
from posture_classifier.utils.text import plural, shortlist

SHARE = 0.1
"""Share of the smaller group's photos that another group shows, too, from which a name is doubted:
a few photos of two people in one room may look like one moment."""
FEWEST = 3
"""Photos of a group that must look like one moment of another; a copy of a single one is enough."""
SHOWN = 3
"""Pairs shown of two groups."""
Pairs = dict[tuple[str, str], list[tuple[int, int]]]
"""Photos of one moment, by the two groups that they are in."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Ask whether groups that share moments are well named."""
    if folder.named_groups is None:
        return []
    groups = np.full(len(folder.photos), "", dtype=object)
    groups[folder.sample.rows] = folder.named_groups
    shared = shared_moments(groups, folder.duplicates)
    if not shared:
        return []
    names = [" and ".join(pair) for pair in shared]
    text = (
        f"These groups share moments: {shortlist(names)}; is the name wrong? If they are one person or recording, give their files "
        "one name: otherwise a split puts one moment on both sides, and results are too good."
    )
    paths = folder.photos.paths
    photos = [[paths[index] for pair in pairs[:SHOWN] for index in pair] for pairs in shared.values()]
    captions = [f"{name}: {plural(len(pairs), 'pair')}" for name, pairs in zip(names, shared.values(), strict=True)]
    return [Finding("shared_moments", "warning", text, photos, captions, {"groups": [list(pair) for pair in shared]})]


def shared_moments(groups: npt.NDArray[np.object_], duplicates: Duplicates) -> Pairs:
    """Find the groups that share moments, those with the most pairs first.

    The names (N,) of groups are empty for photos without one.
    """
    pairs: Pairs = {}
    certain = set()
    for kind, links in duplicates.links.items():
        for link in links:
            (one, first), (other, second) = sorted([(groups[link.first], link.first), (groups[link.second], link.second)])
            if one and other != one:
                pairs.setdefault((one, other), []).append((first, second))
                if kind in SAME_PICTURE:
                    certain.add((one, other))
    sizes = Counter(groups.tolist())

    def many(names: tuple[str, str], found: list[tuple[int, int]]) -> bool:
        photos = min(len({pair[side] for pair in found}) for side in (0, 1))
        return photos >= max(FEWEST, SHARE * min(sizes[name] for name in names))

    kept = [(names, found) for names, found in pairs.items() if names in certain or many(names, found)]
    return dict(sorted(kept, key=lambda item: -len(item[1])))
