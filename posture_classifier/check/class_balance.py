"""Classes: how many photos and groups each has, and whether that is enough."""

import numpy as np

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.linear_probe import FEWEST, PLENTY, Ints, Sample
from posture_classifier.data.folder import Photos

SPLITS = 3
"""Sides that each class needs a group for."""
FEW = 5
"""Groups of a class below which its figures say next to nothing."""
IMBALANCED = 10.0
"""Times that the largest class has the photos of the smallest."""


def class_findings(photos: Photos, units: Ints) -> list[Finding]:
    """Imbalance, and classes that are too small to be split.

    Args:
        photos: Readable ones.
        units: (N,) what must stay together.
    """
    if len(photos.classes) < 2:
        return []
    counts = np.bincount(photos.labels, minlength=len(photos.classes))
    findings = []
    if counts.min() and counts.max() / counts.min() >= IMBALANCED:
        most, least = photos.classes[counts.argmax()], photos.classes[counts.argmin()]
        text = (
            f"{most} has {counts.max()} photos and {least} {counts.min()}: accuracy says little here, so look at the balanced "
            "accuracy, and weigh the classes with model.class_weights."
        )
        findings.append(Finding("imbalance", "warning", text, values={"counts": _named(photos, counts)}))
    if photos.splits[0]:
        return findings
    n_units = np.array([len(np.unique(units[photos.labels == label])) for label in range(len(photos.classes))])
    if (few := np.flatnonzero(n_units < FEW)).size:
        worst: Severity = "error" if n_units.min() < SPLITS else "warning"
        what = "groups that share no picture" if photos.grouped else "photos that share nothing"
        listing = ", ".join(f"{photos.classes[label]} ({n_units[label]})" for label in few)
        number = "Too few" if worst == "error" else "Hardly enough"
        text = f"{number} {what} for training, validation and testing: {listing}. Take photos of more people or on more occasions."
        findings.append(Finding("small_classes", worst, text, values={"units": _named(photos, n_units)}))
    return findings


def unmodelled(sample: Sample, shortcuts: bool) -> list[Finding]:
    """Where ``folds`` finds too little to make any of, what is therefore not known: label errors, and maybe ``shortcuts``."""
    if len(sample.names) < 2:
        return []
    fewest = int(np.argmin(sample.units_per_class))
    what = "Shortcuts and probable label errors" if shortcuts else "Probable label errors"
    less = f" (for shortcuts {FEWEST}, of {PLENTY} photos in all)" if shortcuts else ""
    text = (
        f"{what} were not looked for: that takes {PLENTY} groups of every class{less}, or photos that each stand alone; "
        f"{sample.names[fewest]} has {sample.units_per_class[fewest]}."
    )
    return [Finding("not_looked_for", "note", text, values={"units": sample.units_per_class[fewest]})]


def _named(photos: Photos, counts: Ints) -> dict[str, int]:
    return {name: int(count) for name, count in zip(photos.classes, counts, strict=True)}
