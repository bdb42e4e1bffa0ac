"""Which photos of a folder are used, what makes their groups, and how they are split."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from lightning.pytorch.utilities import rank_zero_warn

from posture_classifier.data.fixes import apply_fixes, removed_photos
from posture_classifier.data.folder import Photos, detect_layout, pattern_groups, read_folder, ungrouped, with_groups
from posture_classifier.data.folds import GroupBy, check_choices, choose_group_by, fold_split, holdout_split
from posture_classifier.data.groups_of_sides import check_groups_of_sides
from posture_classifier.data.layout import Layout
from posture_classifier.data.photo_lists import exclude_photos
from posture_classifier.data.photo_table import read_photo_table
from posture_classifier.data.scan.scene_groups import describe_doubts, doubted_scenes, scene_groups
from posture_classifier.data.sessions import session_groups
from posture_classifier.data.split import DrawnBy, add_validation, check_classes, check_disjoint, split_photos
from posture_classifier.data.split_file import read_split
from posture_classifier.data.unreadable import refuse_unreadable, skip_unreadable
from posture_classifier.utils.errors import UserError


@dataclass
class PhotoChoice:
    """The options of ``PostureData`` that choose and split photos, and what comes of them.

    The photos are indexed and split when they are first needed, and then stay as they are.

    Raises:
        UserError: Options are out of range, or do not fit each other.
    """

    root: str
    group_pattern: str | None
    group_by: GroupBy | None
    split: str | None
    exclude: str | None
    fixes: str | None
    folds: int | None
    fold: int | None
    holdout_groups: list[str] | None
    val_fraction: float
    test_fraction: float
    seed: int
    on_error: Literal["stop", "skip"]
    layout: Layout | None
    table: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.val_fraction < 1 or not 0 <= self.test_fraction < 1 - self.val_fraction:
            raise UserError(
                f"data.val_fraction {self.val_fraction} and data.test_fraction {self.test_fraction} must be at least 0, and leave "
                "photos for training; 0.15 and 0.2 are usual"
            )
        check_choices(self.split, self.folds, self.fold, self.holdout_groups)
        self._makes_groups = choose_group_by(self.group_by, self.group_pattern)
        self._drawn_by: DrawnBy | None = None
        if self.table is not None and (self.layout is not None or self.group_by == "folder"):
            given = "data.layout" if self.layout is not None else "data.group_by folder"
            raise UserError(f"{given} is about class folders, but data.table names classes and groups itself; leave it out")

    @cached_property
    def photos(self) -> Photos:
        """All photos that are used, each with its split."""
        photos = self._split(self.val_fraction, self.test_fraction)
        check_classes(photos, self._needed)
        if warning := check_groups_of_sides(photos, self._drawn_sides, (self.val_fraction, self.test_fraction), self._split):
            rank_zero_warn(warning)
        return photos

    @cached_property
    def indexed(self) -> Photos:
        """All photos with their groups; not split yet, unless by the user's folders."""
        photos = self._listed()
        if self._makes_groups == "none":
            photos = ungrouped(photos)
        if self.exclude is not None:
            photos = exclude_photos(photos, Path(self.exclude))
        if self.fixes is not None:
            photos = apply_fixes(photos, Path(self.fixes))
        reads_groups = self._makes_groups in ("cluster", "exif") and self.split is None
        if self.on_error == "skip":
            photos = skip_unreadable(photos)
        elif reads_groups:
            refuse_unreadable(photos)
        if not reads_groups:
            return photos
        groups = scene_groups(photos) if self._makes_groups == "cluster" else session_groups(photos)
        if self._makes_groups == "cluster" and (doubted := doubted_scenes(photos, groups)):
            rank_zero_warn(describe_doubts(photos, doubted))
        return with_groups(photos, groups)

    def _listed(self) -> Photos:
        pattern = self.group_pattern if self._makes_groups == "pattern" else None
        if self.table is None:
            return read_folder(self.root, pattern, self._layout())
        photos = read_photo_table(Path(self.table), Path(self.root), missing=self.on_error == "skip")
        if photos.grouped and self._makes_groups != "none" and (self.group_by or self.group_pattern):
            given = "data.group_by" if self.group_by else "data.group_pattern"
            raise UserError(f"data.table {self.table} has a column group, which makes the groups; leave {given} out, or the column")
        return photos if pattern is None else replace(photos, groups=pattern_groups(photos.paths, pattern), grouped=True)

    @property
    def validates(self) -> bool:
        """Whether photos are to be kept for validation, which chooses the best epoch."""
        return self.val_fraction > 0

    @property
    def _needed(self) -> tuple[str, ...]:
        return ("train", "val") if self.validates else ("train",)

    def _layout(self) -> Layout:
        # Whoever names the groups knows the folders: if people were read as classes, each would be
        # one group, which no split can divide.
        return self.layout or detect_layout(self.root, ask=self.split is None and self.group_pattern is None)

    def every_fold(self) -> list[Photos]:
        """The photos, split for each fold in turn."""
        splits = []
        for fold in range(self.folds or 0):

            def split(val: float, _: float, fold: int = fold) -> Photos:
                return fold_split(self.indexed, self.folds or 0, fold, val, self.seed)

            splits.append(split(self.val_fraction, 0))
            check_classes(splits[-1], self._needed)
            check_groups_of_sides(splits[-1], self._drawn_sides, (self.val_fraction, self.test_fraction), split)
        return splits

    def _split(self, val_fraction: float, test_fraction: float) -> Photos:
        photos = self.indexed
        if self.split is not None:
            return read_split(photos, Path(self.split), set() if self.fixes is None else removed_photos(Path(self.fixes)))
        if self.folds is not None:
            return fold_split(photos, self.folds, self.fold or 0, val_fraction, self.seed)
        if self.holdout_groups is not None:
            return holdout_split(photos, self.holdout_groups, val_fraction, self.seed)
        fractions = {"train": 1 - val_fraction - test_fraction, "val": val_fraction, "test": test_fraction}
        if not photos.splits[0]:
            return split_photos(photos, fractions, self.seed)
        check_disjoint(photos)
        by_looks = self.group_by is None and self.group_pattern is None
        photos, self._drawn_by = add_validation(photos, fractions, self.seed, (lambda _: self._train_scenes) if by_looks else None)
        return photos

    @cached_property
    def _train_scenes(self) -> npt.NDArray[np.str_]:
        return scene_groups(self.indexed.in_split("train"))

    @property
    def validation_drawn_by(self) -> DrawnBy | None:
        """What was kept whole when validation photos were drawn from the user's train folder."""
        return self._drawn_by if len(self.photos) else None

    @property
    def _drawn_sides(self) -> tuple[str, ...]:
        """The sides that are drawn from groups by looks; a fold is tested beside all others."""
        if self._makes_groups != "cluster" or self.split is not None or "val" in self.indexed.splits:
            return ()
        return ("val",) if self.folds is not None or self.holdout_groups is not None or self.indexed.splits[0] else ("val", "test")

    @property
    def group_options(self) -> tuple[str, ...]:
        """The options that make the groups, as a command line has them; none if none are made."""
        if self._makes_groups in ("cluster", "exif"):
            return ("--data.group_by", self._makes_groups)
        if self._makes_groups == "pattern" and self.group_pattern is not None:
            return ("--data.group_pattern", self.group_pattern)
        folders = self._makes_groups == "folder" and self.table is None
        return ("--data.layout", self.indexed.layout) if folders and self.indexed.grouped else ()

    @property
    def other_options(self) -> tuple[str, ...]:
        """The other options that choose photos, as a command line has them."""
        return (
            *(("--data.table", self.table) if self.table else ()),
            *(("--data.layout", self.layout) if self.layout and "--data.layout" not in self.group_options else ()),
            *(("--data.exclude", self.exclude) if self.exclude else ()),
            *(("--data.fixes", self.fixes) if self.fixes else ()),
            *(("--data.on_error", "skip") if self.on_error == "skip" else ()),
        )
