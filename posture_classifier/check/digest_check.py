"""The part of ``check`` that needs only the digests of the files; ``fit`` does it by itself."""

import shlex

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.utils.text import plural

LARGE_GROUP = 0.3
"""Share of all photos in one group from which the split can hardly be balanced."""


def check_digests(photos: Photos, digests: npt.NDArray[np.int64], near_copies: str = "") -> tuple[str, bool]:
    """Look for exact duplicates, contradictory labels, leaks and large groups.

    Args:
        photos: N photos that can be read, each with its split.
        digests: (N,) digest of each file's content.
        near_copies: What is known of near-copies on two sides of the split.

    Returns:
        One line that says what was found, and whether all is fine.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> photos = read_folder("photos")
        >>> found, fine = check_digests(photos, np.arange(len(photos)))
        >>> fine
        True
    """
    _, first, codes, sizes = np.unique(digests, return_index=True, return_inverse=True, return_counts=True)
    copies = int((sizes - 1).sum())
    contradictory = len(np.unique(codes[photos.labels != photos.labels[first][codes]]))
    leaked = np.isin(codes, codes[photos.splits != photos.splits[first][codes]])
    found = [near_copies] if near_copies else []
    if copies:
        found.append(plural(copies, "file is a copy of another", "files are copies of others"))
    if contradictory:
        found.append(f"{plural(contradictory, 'photo is', 'photos are')} in more than one class")
    if leaked.any():
        n_val, n_test = (int((photos.splits[leaked] == name).sum()) for name in ("val", "test"))
        also = plural(n_test, "test photo is", "test photos are")
        found.append(f"{n_val} val and {also} also in another split, so results on them are too good")
    names, counts = np.unique(photos.groups, return_counts=True)
    if photos.grouped and counts.max() > LARGE_GROUP * len(photos):
        found.append(f"group {names[counts.argmax()]} has {counts.max() / len(photos):.0%} of all photos")
    if found:
        words = [str(photos.root), *(("--table", str(photos.table)) if photos.table else ())]
        return f"{'; '.join(found)}; python -m posture_classifier check {shlex.join(words)} shows them", False
    sizes_of_groups = f"{counts.min()} to {plural(counts.max(), 'photo')}"
    groups = f"{plural(len(names), 'group')} of {sizes_of_groups}" if photos.grouped else "no groups are named"
    return f"no file is a copy, and no photo in two classes or splits; {groups}", True
