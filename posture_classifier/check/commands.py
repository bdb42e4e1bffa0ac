"""Commands that ``check`` advises, each tried on the photos before it is printed."""

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.folds import TEST_FRACTION, VAL_FRACTION, fold_split, folds_work
from posture_classifier.data.groups_of_sides import lone_groups
from posture_classifier.data.split import add_validation, check_classes, check_disjoint, split_photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError

FRACTIONS = {"train": 1 - VAL_FRACTION - TEST_FRACTION, "val": VAL_FRACTION, "test": TEST_FRACTION}
FEW_GROUPS = 10
"""Number of groups below which each is better tested once than a few of them alone."""


def with_groups(photos: Photos, groups: npt.NDArray[np.str_]) -> Photos:
    """The photos with these groups, as ``fit`` would have them."""
    return replace(photos, groups=StringArray(groups.tolist()), grouped=len(set(groups.tolist())) < len(photos))


def advise_command(photos: Photos, options: tuple[str, ...], seed: int = 0) -> str | None:
    """Find the command that trains on photos with their groups: ``fit``, or else ``crossval``.

    With less than ``FEW_GROUPS`` groups it is ``crossval``, which tests each of them once.

    Args:
        photos: All photos that can be read, with their groups; ``splits`` are the user's own.
        options: The options of ``fit`` that make these groups, and others that it needs.
        seed: Seed of the split.

    Returns:
        The command, as a shell takes it; None if ``fit`` and ``crossval`` would refuse the photos.
    """
    if photos.empty_classes:
        return None
    n = len(photos.groups.unique()[0])
    folds = list(range(min(n, FEW_GROUPS), 1, -1)) if not photos.splits[0] else []
    few = photos.grouped and n < FEW_GROUPS
    by_looks = "cluster" in options
    if not (few and folds) and _fit_works(photos, by_looks, seed):
        return command_of("fit", photos.root, options)
    for number in folds:
        if _folds_work(photos, number, by_looks, seed):
            return command_of("crossval", photos.root, (*options, "--data.folds", str(number)))
    return command_of("fit", photos.root, options) if few and _fit_works(photos, by_looks, seed) else None


def command_of(name: str, root: Path, options: tuple[str, ...]) -> str:
    """``fit`` or ``crossval`` with these options, as a shell takes it."""
    return shlex.join(["python", "-m", "posture_classifier", name, "--data.root", str(root), *options])


def _folds_work(photos: Photos, folds: int, by_looks: bool, seed: int) -> bool:
    """Whether ``crossval`` takes the photos."""
    if not folds_work(photos, folds, VAL_FRACTION, seed):
        return False
    splits = [fold_split(photos, folds, fold, VAL_FRACTION, seed) for fold in range(folds)] if by_looks else []
    return not any(each.side == "val" for split in splits for each in lone_groups(split))


def _fit_works(photos: Photos, by_looks: bool, seed: int) -> bool:
    """Whether ``fit`` takes the photos, and tests some of every class."""
    own = bool(photos.splits[0])
    try:
        if own:
            check_disjoint(photos)
            photos = add_validation(photos, FRACTIONS, seed)
        else:
            photos = split_photos(photos, FRACTIONS, seed)
        tested = photos.in_split("test")
        check_classes(photos.select(photos.splits != "test"))
        if by_looks and not own and lone_groups(photos):
            return False
    except UserError:
        return False
    return len(tested) == 0 or not tested.empty_classes
