"""Photos that make a shortcut visible: typical ones of each class, and ones on the wrong side."""

import math
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from posture_classifier.check.sample import Sample
from posture_classifier.images.exif import UNIX_EPOCH
from posture_classifier.utils.text import one_line, shortlist
from posture_classifier.utils.types import Floats, Ints

MOST = 24
"""Photos in all: as many as can be looked at side by side."""
SHOWN_NAMES = 3
"""Names of formats or cameras that a caption has, at most."""


def shortcut_examples(
    probabilities: Floats, sample: Sample, paths: Sequence[str], column: str, values: Sequence[float | str]
) -> dict[str, list[str]]:
    """Choose the photos of each class that a small model is surest about, and that mislead it most.

    Args:
        probabilities: (N, C) of the model that saw nothing but the shortcut, out of fold.
        sample: The N photos.
        paths: Path of each photo.
        column: The property that alone tells most, which captions name.
        values: What each photo has of it.

    Returns:
        Paths by caption; of each group one photo before there is another of it, and of more than
        ``MOST / 2`` classes those only that the model finds best.
    """
    n_classes, predicted = len(sample.class_names), probabilities.argmax(1)
    each = max(1, MOST // (2 * n_classes))
    found = np.bincount(sample.labels, predicted == sample.labels) / np.bincount(sample.labels)
    examples = {}
    for label in sorted(np.argsort(-found, kind="stable")[: MOST // 2].tolist()):
        rows = np.flatnonzero(sample.labels == label)
        surest = rows[np.argsort(-probabilities[rows, label], kind="stable")]
        typical = _spread(surest[predicted[surest] == label], sample.joined_groups, each)
        misled = _spread(surest[predicted[surest] != label][::-1], sample.joined_groups, each)
        name = sample.class_names[label]
        parts = {f"typical of {name}": typical}
        parts |= {
            f"{name}, but taken for {sample.class_names[other]}": misled[predicted[misled] == other]
            for other in np.unique(predicted[misled]).tolist()
        }
        for caption, chosen in parts.items():
            if len(chosen):
                words = in_words(column, [values[row] for row in chosen])
                examples[f"{caption} ({column}: {words})"] = [paths[row] for row in chosen]
    return examples


def _spread(rows: Ints, groups: Ints, most: int) -> Ints:
    """The first rows, one of each group before there is another of it."""
    _, first = np.unique(groups[rows], return_index=True)
    others = np.setdiff1d(np.arange(len(rows)), first)
    spread: Ints = rows[np.concatenate([np.sort(first), others])]
    return spread[:most]


def in_words(column: str, values: Sequence[float | str]) -> str:
    """What photos have of a property: the range of a number or date, or the names that occur.

    Example:
        >>> in_words("width", [640.0, 480.0, 480.0]), in_words("date", [0.0, 90_000.0])
        ('480 to 640', '1970-01-01 to 1970-01-02')
        >>> in_words("camera", ["Phone", ""])
        'Phone, unknown'
    """
    names = {one_line(value) or "unknown" for value in values if isinstance(value, str)}
    if names:
        return shortlist(sorted(names), SHOWN_NAMES)
    known = sorted(value for value in values if isinstance(value, float) and not math.isnan(value))
    if not known:
        return "unknown"
    low, high = (_day(value) if column == "date" else f"{value:.0f}" for value in (known[0], known[-1]))
    return low if low == high else f"{low} to {high}"


def _day(taken: float) -> str:
    return f"{UNIX_EPOCH + timedelta(seconds=taken):%Y-%m-%d}"
