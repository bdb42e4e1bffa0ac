"""The part of ``check`` that costs nothing, which ``fit`` does by itself."""

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.utils.text import plural

LARGE = 0.3
"""Share of all photos in one group, from which the split can hardly be balanced."""


def quick_check(photos: Photos, digests: npt.NDArray[np.int64]) -> tuple[str, bool]:
    """Exact duplicates, contradictory labels, leaks and group sizes in one line; and whether all is fine.

    Args:
        photos: N photos that can be read, each with its split.
        digests: (N,) of their content.
    """
    _, first, codes, sizes = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    copies = int((sizes - 1).sum())
    contradictory = len(np.unique(codes[photos.labels != photos.labels[first][codes]]))
    crossing = np.unique(codes[photos.splits != photos.splits[first][codes]])
    said = []
    if copies:
        said.append(f"{plural(copies, 'file is a copy of another', 'files are copies of others')}")
    if contradictory:
        said.append(f"{plural(contradictory, 'photo is', 'photos are')} in more than one class")
    if len(crossing):
        sides = [f"{(np.isin(codes, crossing) & (photos.splits == name)).sum()} {name}" for name in ("val", "test")]
        said.append(f"{' and '.join(sides)} photos are also in another split, so their figures flatter")
    names, counts = np.unique(photos.groups, return_counts=True)
    if photos.grouped and counts.max() > LARGE * len(photos):
        said.append(f"group {names[counts.argmax()]} has {counts.max() / len(photos):.0%} of all photos")
    if said:
        return f"{'; '.join(said)}; python -m posture_classifier check {photos.root} shows them", False
    groups = f"{len(names)} groups of {counts.min()} to {counts.max()} photos" if photos.grouped else "no groups are named"
    return f"no file is a copy, and no photo in two classes or splits; {groups}", True
