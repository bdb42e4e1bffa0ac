"""Commands that ``check`` advises, each tried on the photos before it is printed."""

import shlex
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.folds import TEST_FRACTION, VAL_FRACTION, folds_work
from posture_classifier.data.split import add_validation, check_classes, check_disjoint, split_photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError

SHARES = ((VAL_FRACTION, TEST_FRACTION), (0.25, TEST_FRACTION), (0.25, 0.3))
"""Shares for validation and test that are tried: the usual ones, or larger ones for few groups."""
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
    if not (few and folds) and (fit := _advise_fit(photos, options, seed)):
        return fit
    for number in folds:
        if folds_work(photos, number, VAL_FRACTION, seed):
            return command_of("crossval", photos.root, (*options, "--data.folds", str(number)))
    return _advise_fit(photos, options, seed) if few else None


def _advise_fit(photos: Photos, options: tuple[str, ...], seed: int) -> str | None:
    """``fit`` with the first shares that work; None if none do."""
    for shares in SHARES:
        if _fit_works(photos, *shares, seed):
            names = ("--data.val_fraction", "--data.test_fraction")
            changed = [(name, str(share)) for name, share, usual in zip(names, shares, SHARES[0], strict=True) if share != usual]
            return command_of("fit", photos.root, (*options, *chain.from_iterable(changed)))
    return None


def command_of(name: str, root: Path, options: tuple[str, ...]) -> str:
    """``fit`` or ``crossval`` with these options, as a shell takes it."""
    return shlex.join(["python", "-m", "posture_classifier", name, "--data.root", str(root), *options])


def _fit_works(photos: Photos, val: float, test: float, seed: int) -> bool:
    """Whether ``fit`` takes the photos with these shares, and tests some of every class."""
    fractions = {"train": 1 - val - test, "val": val, "test": test}
    try:
        if photos.splits[0]:
            check_disjoint(photos)
            photos = add_validation(photos, fractions, seed)
        else:
            photos = split_photos(photos, fractions, seed)
        tested = photos.in_split("test")
        check_classes(photos.select(photos.splits != "test"))
    except UserError:
        return False
    return len(tested) == 0 or not tested.empty_classes
