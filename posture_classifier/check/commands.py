"""Commands that ``check`` advises, each tried on the photos before it is printed."""

import shlex
from itertools import chain
from pathlib import Path

from posture_classifier.data.folder import Photos
from posture_classifier.data.folds import TEST_FRACTION, VAL_FRACTION, fold_split, folds_work
from posture_classifier.data.groups_of_sides import lone_groups
from posture_classifier.data.split import add_validation, check_classes, check_disjoint, split_photos
from posture_classifier.utils.errors import UserError

RECIPE = ("--model.backbone", "tf_efficientnet_lite0", "--model.head", "all_stages")
"""What the expectation is about, on any machine: its weights come with the program."""
SHARES = ((VAL_FRACTION, TEST_FRACTION), (0.25, TEST_FRACTION), (0.25, 0.3))
"""Shares for validation and test that are tried: the usual ones, or larger ones for few groups."""
FEW_GROUPS = 10
"""Number of groups below which each is better tested once than a few of them alone."""


def advise_command(photos: Photos, options: tuple[str, ...]) -> str | None:
    """Find the command that trains on photos with their groups: ``fit``, or else ``crossval``.

    With less than ``FEW_GROUPS`` groups it is ``crossval``, which tests each of them once.

    Args:
        photos: All photos that can be read, with their groups; ``splits`` are the user's own.
        options: The options of ``fit`` that make these groups, and others that it needs.

    Returns:
        The command, as a shell takes it; None if ``fit`` and ``crossval`` would refuse the photos.
    """
    if photos.empty_classes:
        return None
    few = photos.grouped and len(photos.groups.unique()[0]) < FEW_GROUPS
    if not (few and not photos.splits[0]) and (fit := _advise_fit(photos, options)):
        return fit
    if number := number_of_folds(photos, options):
        return command_of("crossval", photos.root, (*options, "--data.folds", str(number)))
    return _advise_fit(photos, options) if few else None


def number_of_folds(photos: Photos, options: tuple[str, ...], seed: int = 0, val_fraction: float = VAL_FRACTION) -> int | None:
    """The most folds that ``crossval`` takes: one for each group, ``FEW_GROUPS`` at most.

    Args:
        photos: All photos that can be read, with their groups; ``splits`` are the user's own.
        options: The options of ``fit`` that make these groups.
        seed: Seed of the folds.
        val_fraction: Share of the photos that are not tested for validation.

    There is none where the photos are split already, or no number works.
    """
    if photos.splits[0]:
        return None
    for number in range(min(len(photos.groups.unique()[0]), FEW_GROUPS), 1, -1):
        if folds_work(photos, number, val_fraction, seed) and not _lone_in_folds(photos, number, options, seed):
            return number
    return None


def _advise_fit(photos: Photos, options: tuple[str, ...]) -> str | None:
    """``fit`` with the first shares that work; None if none do."""
    for shares in SHARES:
        if _fit_works(photos, *shares, "cluster" in options):
            names = ("--data.val_fraction", "--data.test_fraction")
            changed = [(name, str(share)) for name, share, usual in zip(names, shares, SHARES[0], strict=True) if share != usual]
            return command_of("fit", photos.root, (*options, *chain.from_iterable(changed)))
    return None


def command_of(name: str, root: Path, options: tuple[str, ...]) -> str:
    """``fit`` or ``crossval`` with these options, as a shell takes it."""
    return shlex.join(["python", "-m", "posture_classifier", name, *RECIPE, "--data.root", str(root), *options])


def _lone_in_folds(photos: Photos, folds: int, options: tuple[str, ...], seed: int) -> bool:
    """Whether ``crossval`` would refuse scenes, since validation has one scene of a class."""
    if "cluster" not in options:
        return False
    splits = [fold_split(photos, folds, fold, VAL_FRACTION, seed) for fold in range(folds)]
    return any(each.side == "val" for split in splits for each in lone_groups(split))


def _fit_works(photos: Photos, val: float, test: float, by_looks: bool) -> bool:
    """Whether ``fit`` takes the photos with these shares, and tests some of every class."""
    drawn = set() if not by_looks or "val" in photos.splits else {"val"} if photos.splits[0] else {"val", "test"}
    fractions = {"train": 1 - val - test, "val": val, "test": test}
    try:
        if photos.splits[0]:
            check_disjoint(photos)
            photos, _ = add_validation(photos, fractions, seed=0)
        else:
            photos = split_photos(photos, fractions, seed=0)
        tested = photos.in_split("test")
        check_classes(photos.select(photos.splits != "test"))
        if drawn & {each.side for each in lone_groups(photos)}:
            return False
    except UserError:
        return False
    return len(tested) == 0 or not tested.empty_classes
