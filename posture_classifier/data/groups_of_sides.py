"""Whether validation and test have enough groups of each class to say anything about it."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from posture_classifier.data.folder import Photos
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

LEAST_GROUPS = 2
"""Groups of each class that validation and test need, unless one group holds another class, too.

A side whose only group of a class holds nothing else says whether that one scene or person is told
from the others, not whether the class is. Somebody in both postures is compared with themself, so
four people suffice: one to validate on, and one to test on."""
STEPS = (0.0, 0.1, 0.2, 0.3)
"""What is added to the share of a side that has too few groups, to see whether that does."""
Split = Callable[[float, float], Photos]
"""Splits the photos by a share for validation and one for the test."""


class LoneGroup(NamedTuple):
    """The only group of a class on one side of a split, which holds no other class.

    Attributes:
        side: ``val`` or ``test``.
        label: The class.
        group: Name of the group.
    """

    side: str
    label: int
    group: str


def lone_groups(photos: Photos) -> list[LoneGroup]:
    """List the groups that hold all that validation or test has of a class, and nothing else."""
    return [each for side in ("val", "test") for each in _lone_groups(photos.in_split(side), side)]


def _lone_groups(photos: Photos, side: str) -> Iterator[LoneGroup]:
    names, codes = photos.groups.unique()
    for label in np.unique(photos.labels).tolist():
        found = np.unique(codes[photos.labels == label])
        if len(found) < LEAST_GROUPS and len(np.unique(photos.labels[codes == found[0]])) == 1:
            yield LoneGroup(side, label, names[int(found[0])])


def check_groups_of_sides(photos: Photos, drawn: tuple[str, ...], fractions: tuple[float, float], split: Split) -> str:
    """Refuse a split by looks whose validation or test says nothing of a class.

    Only sides that are drawn are refused: what the user has laid out, and groups that have names,
    are worth a warning, since there may be no other people.

    Args:
        photos: All photos, with their splits and groups.
        drawn: The sides that were drawn from groups that ``data.group_by cluster`` made.
        fractions: The shares of validation and test.
        split: Splits the photos anew, to find shares that do.

    Returns:
        A warning about the other sides; empty where there is nothing to say.

    Raises:
        UserError: A drawn side has fewer than ``LEAST_GROUPS`` groups of a class.
    """
    lone = lone_groups(photos) if photos.grouped else []
    if refused := [each for each in lone if each.side in drawn]:
        raise UserError(f"{_describe(photos, refused)}; {_way_out(photos, refused, drawn, fractions, split)}")
    if not lone:
        return ""
    return f"{_describe(photos, lone)}; whether a class or that group is told apart cannot be known"


def _describe(photos: Photos, lone: list[LoneGroup]) -> str:
    parts = [f"all {each.side} photos of class {photos.classes[each.label]} are of one group ({each.group})" for each in lone]
    return f"{photos.source}: {shortlist(parts, 3)}"


def _way_out(photos: Photos, refused: list[LoneGroup], drawn: tuple[str, ...], fractions: tuple[float, float], split: Split) -> str:
    """Say which shares would do, or that scenes are missing."""
    classes = sorted({photos.classes[each.label] for each in refused})
    otherwise = f"add photos of other scenes of {shortlist(classes)}, or name the groups with data.group_pattern"
    sides = {each.side for each in refused}
    for more_test in STEPS if "test" in sides else (0.0,):
        for more_val in STEPS:
            val, test = round(fractions[0] + more_val, 3), round(fractions[1] + more_test, 3)
            if val + test > 0.7 or (more_val == more_test == 0):
                continue
            if _would_do(split, val, test, drawn):
                options = [f"data.val_fraction to {val:g}"] * (more_val > 0) + [f"data.test_fraction to {test:g}"] * (more_test > 0)
                return f"set {' and '.join(options)}, or {otherwise}"
    return otherwise


def _would_do(split: Split, val: float, test: float, drawn: tuple[str, ...]) -> bool:
    """Whether these shares give every drawn side all classes, in groups enough."""
    try:
        photos = split(val, test)
    except UserError:
        return False
    complete = not any(photos.in_split(side).empty_classes for side in drawn)
    return complete and not [each for each in lone_groups(photos) if each.side in drawn]
