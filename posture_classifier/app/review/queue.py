"""What is looked at, in order: mistakes of a network, and what a check of the photos doubts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from posture_classifier.check.finding import Finding
from posture_classifier.runs.predictions import PredictionTable

ERROR = "error"
KINDS = (
    *("label_errors", "contradictory_labels", "leaks", "placeholders", "identical_files", "identical_pixels"),
    *("copies", "scene_leaks", "same_scene", "unreadable"),
    *("nearly_empty", "dark", "over_exposed", "blurred", "outliers"),
)
"""Findings of a check that are about single photos or clusters of them, in their order here."""
ONLY_IF_MIXED = ("copies", "same_scene")
"""Kinds that are as they should be, unless the photos of a cluster are of several classes."""
MOST_PHOTOS = 24
"""Photos that an item shows, at most."""


@dataclass(frozen=True)
class Reason:
    """Why somebody should look at photos.

    Attributes:
        kind: ``error`` where a network was wrong, or the kind of a check's finding.
        photos: Paths of the photos.
        values: What the sentence about it names; ``said`` is the class that it may be instead, and
            ``text`` a sentence of the check itself, in English.
    """

    kind: str
    photos: tuple[str, ...]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """Photos that are looked at together, with all the reasons for it.

    Attributes:
        photos: Paths of the photos, each of which is in no other item.
        reasons: The reasons, the gravest first.
    """

    photos: tuple[str, ...]
    reasons: tuple[Reason, ...]


def reasons_of_errors(tables: dict[str, PredictionTable]) -> list[Reason]:
    """A reason for each photo that a network was wrong about, those with the largest loss first.

    Args:
        tables: Predictions by the name of what was predicted: ``test``, ``val`` or ``folds``.
    """
    found: list[tuple[float, Reason]] = []
    for split, table in tables.items():
        predictions = table.predictions
        for index in np.flatnonzero(~table.correct).tolist():
            said = int(predictions.predicted[index])
            values = {
                "said": table.classes[said],
                "share": float(predictions.probabilities[index, said]),
                "label": table.classes[int(predictions.labels[index])],
                "split": split,
            }
            found.append((float(predictions.losses[index]), Reason(ERROR, (str(table.paths[index]),), values)))
    return [reason for _, reason in sorted(found, key=lambda each: (-each[0], each[1].photos))]


def reasons_of_findings(findings: Sequence[Finding], labels: dict[str, str]) -> list[Reason]:
    """A reason for each photo or cluster that a check doubts, in the order of ``KINDS``."""
    reasons = []
    for finding in sorted((each for each in findings if each.kind in KINDS), key=lambda each: KINDS.index(each.kind)):
        looks_like = finding.values.get("looks_like", [""] * len(finding.photos))
        for photos, said in zip(finding.photos, looks_like, strict=True):
            if finding.kind in ONLY_IF_MIXED and len({labels.get(photo) for photo in photos}) == 1:
                continue
            reasons.append(Reason(finding.kind, tuple(photos), {"said": said} if said else {}))
    return reasons


def make_queue(reasons: Iterable[Reason]) -> list[Item]:
    """Put each photo into one item, with all that is doubted about it.

    Reasons that share a photo make one item, which stands where the first of them does.

    Example:
        >>> error, pair = Reason("error", ("b",)), Reason("identical_files", ("a", "b"))
        >>> [item.photos for item in make_queue([error, Reason("dark", ("c",)), pair])]
        [('b', 'a'), ('c',)]
    """
    items: dict[int, tuple[dict[str, None], list[Reason]]] = {}
    place: dict[str, int] = {}
    for number, reason in enumerate(reasons):
        touched = sorted({place[photo] for photo in reason.photos if photo in place})
        target = touched[0] if touched else number
        photos, about = items.setdefault(target, ({}, []))
        for other in touched[1:]:
            more_photos, more_about = items.pop(other)
            photos |= more_photos
            about += more_about
        photos |= dict.fromkeys(reason.photos)
        about.append(reason)
        place |= dict.fromkeys(photos, target)
    return [item for _, (photos, about) in sorted(items.items()) for item in _of_bearable_size(tuple(photos), tuple(about))]


def items_of_examples(findings: Iterable[Finding], queue: Iterable[Item]) -> list[Item]:
    """An item for each finding about all photos that has examples, such as a shortcut.

    Photos that another item shows are left out: one example is as good as another.

    Example:
        >>> light = Finding("light_shortcut", "note", "Light tells.", examples={"dark": ["a", "b"]})
        >>> [item.photos for item in items_of_examples([light], [Item(("a",), ())])]
        [('b',)]
    """
    shown, items = {photo for item in queue for photo in item.photos}, []
    for finding in findings:
        left = {caption: tuple(path for path in paths if path not in shown) for caption, paths in finding.examples.items()}
        photos = tuple(path for paths in left.values() for path in paths)
        if photos:
            about = [(finding.text, photos), *((caption, paths) for caption, paths in left.items() if paths)]
            items.append(Item(photos, tuple(Reason(finding.kind, paths, {"text": text}) for text, paths in about)))
            shown |= set(photos)
    return items


def _of_bearable_size(photos: tuple[str, ...], reasons: tuple[Reason, ...]) -> list[Item]:
    """Divide the photos of an item that has too many to be looked at together."""
    return [Item(photos[first : first + MOST_PHOTOS], reasons) for first in range(0, len(photos), MOST_PHOTOS)]
