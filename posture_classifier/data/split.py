"""Splits photos into training, validation and test: stratified, by groups, reproducible."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist

SPLITS = ("train", "val", "test")
ATTEMPTS = 20
MANY_GROUPS = 10_000
"""From so many groups on, an order is as balanced as any other."""
DrawnBy = Literal["groups", "scenes", "random"]
"""What was kept whole when validation photos were drawn from the user's own training folder."""


def split_photos(photos: Photos, fractions: dict[str, float], seed: int) -> Photos:
    r"""Assign every photo to a split, keeping groups whole and class shares equal.

    Groups are taken in an order that depends on the seed and on their names only (a hash, so
    neither file order, operating system nor library version matters), largest first, and each goes
    where it brings the class counts closest to their target. Of a few such orders the one with the
    best balance counts; of very many groups the first one does, if no split lacks a class.

    Args:
        photos: The photos to split.
        fractions: Share of the photos per split; a split of 0 is left out.
        seed: Random seed of the split.

    Raises:
        UserError: A class has fewer groups than there are splits, so that some split would lack it.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> photos = read_folder("photos", group_pattern=r"person\d")
        >>> photos = split_photos(photos, {"train": 0.5, "val": 0.25, "test": 0.25}, seed=0)
        >>> [len(photos.in_split(split)) for split in SPLITS]
        [12, 8, 4]
    """
    wanted = {name: share for name, share in fractions.items() if share > 0}
    _check_enough_groups(photos, list(wanted))
    parts = divide(photos, np.array(list(wanted.values())), seed)
    return replace(photos, splits=np.array(list(wanted), dtype="<U5")[parts])


def divide(photos: Photos, shares: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.int64]:
    """Divide photos into parts of these relative sizes; return the part (N,) of each photo."""
    if not photos.grouped:
        return _divide_single(photos, shares, seed)
    names, codes = photos.groups.unique()
    counts = count_classes(codes, photos.labels, (len(names), len(photos.classes)))
    target = (shares / shares.sum())[:, None] * counts.sum(0)
    candidates = []
    for attempt in range(ATTEMPTS):
        assigned = _assign(counts, target, _order(names, seed, attempt))
        imbalance = _imbalance(counts, target, assigned)
        candidates.append((imbalance, assigned))
        no_split_lacks_a_class = imbalance[0] == 0
        if len(names) >= MANY_GROUPS and no_split_lacks_a_class:
            break
    _, best = min(candidates, key=lambda candidate: candidate[0])
    return best[codes]


def count_classes(codes: npt.NDArray[np.int64], labels: npt.NDArray[np.int64], shape: tuple[int, int]) -> npt.NDArray[np.int64]:
    """Count the photos (G, C) of each class in each group, by the number of each photo's group."""
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, (codes, labels), 1)
    return counts


def _divide_single(photos: Photos, shares: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.int64]:
    """Divide photos that are each a group of their own: as ``_assign`` would, for millions.

    Any order of them is balanced already, and each photo counts for its own class alone.
    """
    counts = np.bincount(photos.labels, minlength=len(photos.classes))
    target = (shares / shares.sum())[:, None] * counts
    totals = np.maximum(counts, 1)
    needs, weights = (target / totals).T.tolist(), (1 / totals).tolist()
    scale = (target.sum(1) / target.sum()).tolist()
    order = _order(photos.groups, seed, attempt=0)
    chosen = bytearray()
    for label in photos.labels[order]:
        need, weight = needs[label], weights[label]
        part = max(range(len(scale)), key=lambda part: need[part] * weight / scale[part])
        need[part] -= weight
        chosen.append(part)
    result = np.empty(len(photos), dtype=np.int64)
    result[order] = np.frombuffer(chosen, dtype=np.uint8)
    return result


def groups_per_class(photos: Photos) -> list[int]:
    """Count the groups in which each class occurs."""
    if not photos.grouped:
        counts: list[int] = np.bincount(photos.labels, minlength=len(photos.classes)).tolist()
        return counts
    return [len(photos.groups[photos.labels == label].unique()[0]) for label in range(len(photos.classes))]


def _check_enough_groups(photos: Photos, splits: list[str]) -> None:
    for name, n in zip(photos.classes, groups_per_class(photos), strict=True):
        if n < len(splits):
            unit = "groups" if photos.grouped else "photos"
            way_out = ", or set data.test_fraction to 0" if "test" in splits else ""
            raise UserError(
                f"{photos.source}: class {name} occurs in {n} {unit}, fewer than the {len(splits)} splits "
                f"({', '.join(splits)}); add {unit}{way_out}"
            )


def _order(names: StringArray, seed: int, attempt: int) -> npt.NDArray[np.int64]:
    digests = (hashlib.sha256(f"{seed}/{attempt}/{name}".encode(errors="surrogateescape")).digest() for name in names)
    keys = np.fromiter((int.from_bytes(digest[:8]) for digest in digests), dtype=np.uint64, count=len(names))
    return np.argsort(keys, kind="stable")


def _assign(counts: npt.NDArray[np.int64], target: npt.NDArray[np.float64], order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Greedily give each group (G,) to the split whose remaining need it fills best.

    Args:
        counts: (G, C) photos of each class in each group.
        target: (S, C) photos of each class that each split needs.
        order: (G,) order of the groups among those of one size.
    """
    order = order[np.argsort(-counts[order].sum(1), kind="stable")]
    # Relative to the class totals, so that a rare class weighs as much as a common one.
    totals = np.maximum(counts.sum(0), 1)  # a class may have no photos left
    need, weight = target / totals, counts / totals
    scale = target.sum(1) / target.sum()
    result = np.zeros(len(counts), dtype=np.int64)
    for group in order:
        result[group] = choice = int(np.argmax((need * weight[group]).sum(1) / scale))
        need[choice] -= weight[group]
    return result


def _imbalance(
    counts: npt.NDArray[np.int64], target: npt.NDArray[np.float64], assigned: npt.NDArray[np.int64]
) -> tuple[int, float]:
    """Count pairs of split and class without a photo; then the squared distance from the target."""
    got = np.zeros_like(target)
    np.add.at(got, assigned, counts)
    return int((got == 0).sum()), float((((got - target) / np.maximum(counts.sum(0), 1)) ** 2).sum())


def check_classes(photos: Photos, needed: Sequence[str] = ("train", "val")) -> None:
    """Make sure that training and validation have photos of every class; warn if test has not.

    The ``needed`` splits must be there; without validation that is ``train`` alone.

    Raises:
        UserError: A split lacks a class; the message names both.
    """
    for name in [name for name in sorted(SPLITS) if name in needed or (photos.splits == name).any()]:
        if empty := photos.in_split(name).empty_classes:
            message = f"the {name} split of {photos.source} has no photo of {shortlist(empty)}"
            if name != "test":
                other = ", or data.val_fraction 0, which trains without it" if name == "val" else ""
                raise UserError(f"{message}; it needs some of every class{other}")
            warn(f"{message}; its metrics will say nothing about it")


def warn(message: str) -> None:
    """Warn on the rank that prints."""
    from lightning.pytorch.utilities import rank_zero_warn  # check does without torch

    rank_zero_warn(message)


def add_validation(
    photos: Photos, fractions: dict[str, float], seed: int, find_scenes: Callable[[Photos], npt.NDArray[np.str_]] | None = None
) -> tuple[Photos, DrawnBy | None]:
    """Take validation photos from training where the user's own split has none.

    Frames of one video on both sides would let the best epoch be the one that knows them best.

    Args:
        photos: Photos with the user's own split; test photos stay where they are.
        fractions: Share of the photos per split, of which those of ``train`` and ``val`` count.
        seed: Random seed of the split.
        find_scenes: Names the scene of each photo, for photos without groups: scenes are kept
            whole. None draws single photos.

    Returns:
        The photos, and what was drawn: groups, scenes, or photos at random (where the scenes are
        too few as well); None where there are validation photos already, or none are wanted.
    """
    if "val" in photos.splits or not fractions["val"]:
        return photos, None
    shares = {name: fractions[name] for name in ("train", "val")}
    train = photos.in_split("train")
    drawn_by: DrawnBy = "groups" if photos.grouped else "random"
    divided: Photos | None = None
    if find_scenes is not None and not photos.grouped:
        with suppress(UserError):  # a class with one scene only
            scenes = StringArray(find_scenes(train).tolist())
            divided, drawn_by = split_photos(replace(train, groups=scenes, grouped=True), shares, seed), "scenes"
    splits = photos.splits.copy()
    splits[photos.splits == "train"] = (divided or split_photos(train, shares, seed)).splits
    return replace(photos, splits=splits), drawn_by


def crossing_groups(photos: Photos) -> list[str]:
    """Names of the groups that are in more than one split, in alphabetical order."""
    if not photos.grouped:
        return []
    names, codes = photos.groups.unique()
    sides = np.zeros(len(names), dtype=np.int64)
    for split in SPLITS:
        sides[np.unique(codes[photos.splits == split])] += 1
    return names[sides > 1].tolist()


def check_disjoint(photos: Photos) -> None:
    """Make sure that no group is in more than one split.

    Raises:
        UserError: Some are; the message names them.
    """
    if crossing := crossing_groups(photos):
        raise UserError(
            f"{plural(len(crossing), 'group is', 'groups are')} in more than one split ({shortlist(crossing)}), so the result "
            "would be measured on people already seen; move each group into one split"
        )
