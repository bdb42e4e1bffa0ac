"""Classes: how many photos and groups each has, and whether that is enough."""

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.sample import MIN_GROUPS, MIN_GROUPS_FOR_LABELS, MIN_PHOTOS
from posture_classifier.data.folder import Photos
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Ints

SPLITS = 3
"""Parts of a split (training, validation, testing), each of which needs a group of every class."""
FEW = 5
"""Groups of a class below which its metrics say next to nothing."""
IMBALANCED = 10.0
"""Ratio of the largest class to the smallest, in photos, from which it is worth a warning."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report classes of very different size or too small, and what could not be looked for."""
    if len(folder.sample.rows) == 0:
        return []
    return _sizes(folder.readable, folder.sample.joined_groups) + _unchecked(folder)


def _sizes(photos: Photos, joined_groups: Ints) -> list[Finding]:
    if len(photos.classes) < 2:
        return []
    counts = np.bincount(photos.labels, minlength=len(photos.classes))
    result = []
    if counts.min() and counts.max() / counts.min() >= IMBALANCED:
        most, least = photos.classes[counts.argmax()], photos.classes[counts.argmin()]
        text = (
            f"{most} has {plural(counts.max(), 'photo')} and {least} {counts.min()}: accuracy says little here, so look at the "
            "balanced accuracy, and weigh the classes with model.class_weights."
        )
        result.append(Finding("class_imbalance", "warning", text, values={"counts": _by_class(photos, counts)}))
    if photos.splits[0]:
        return result
    n_groups = np.array([len(np.unique(joined_groups[photos.labels == label])) for label in range(len(photos.classes))])
    if n_groups.min() < FEW:
        severity: Severity = "error" if n_groups.min() < SPLITS else "warning"
        number = "Too few" if severity == "error" else "Hardly enough"
        what = "groups that share no picture" if photos.grouped else "photos that share nothing"
        listing = ", ".join(f"{name} ({n})" for name, n in zip(photos.classes, n_groups, strict=True) if n < FEW)
        text = f"{number} {what} for training, validation and testing: {listing}. Take photos of more people or on more occasions."
        result.append(Finding("small_classes", severity, text, values={"units": _by_class(photos, n_groups)}))
    return result


def _unchecked(folder: CheckedFolder) -> list[Finding]:
    """Report what was not looked for because a class has too few photos or groups."""
    sample, shortcuts = folder.sample, folder.folds is None
    if len(sample.class_names) < 2 or (not shortcuts and min(sample.groups_per_class) >= MIN_GROUPS_FOR_LABELS):
        return []
    smallest = int(np.argmin(sample.groups_per_class))
    n_groups = sample.groups_per_class[smallest]
    what = "Shortcuts and probable label errors" if shortcuts else "Probable label errors"
    less = f" (for shortcuts {MIN_GROUPS}, of {MIN_PHOTOS} photos in all)" if shortcuts else ""
    text = (
        f"{what} were not looked for: that takes {MIN_GROUPS_FOR_LABELS} groups of every class{less}, or photos that each stand "
        f"alone; {sample.class_names[smallest]} has {n_groups}."
    )
    return [Finding("unchecked", "note", text, values={"units": n_groups})]


def _by_class(photos: Photos, counts: Ints) -> dict[str, int]:
    return {name: int(count) for name, count in zip(photos.classes, counts, strict=True)}
