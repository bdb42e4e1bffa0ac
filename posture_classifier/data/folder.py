"""Finding the photos of a folder, their labels, and the groups (who, which session) they belong to."""

import os
import re
import unicodedata
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from posture_classifier.data.string_array import StringArray
from posture_classifier.images.decode import SUFFIXES
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
RESERVED = {"path", "group", "fold", "label", "probability", "error"}
"""Columns of the prediction files beside those of the classes."""


@dataclass(frozen=True)
class Photos:
    """An index of photos; arrays of length N in order of path.

    Attributes:
        root: The folder that ``paths`` are relative to.
        classes: Class names in alphabetical order; a label is an index into them.
        paths: (N,) relative paths with forward slashes on every operating system.
        labels: (N,) int64.
        groups: (N,) names; photos of one name never sit on both sides of a split.
        splits: (N,) ``train``, ``val`` or ``test``; empty where the photo is in none (yet).
        grouped: False where no pattern was given and every photo is its own group.
        rows: (N,) int64, each photo's place among all that were indexed, whichever split it is in.
    """

    root: Path
    classes: tuple[str, ...]
    paths: StringArray
    labels: npt.NDArray[np.int64]
    groups: StringArray
    splits: npt.NDArray[np.str_]
    grouped: bool
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Photos":
        """The photos that a mask or an array of indices names."""
        columns = {name: getattr(self, name)[mask] for name in ("paths", "labels", "splits", "rows")}
        groups = columns["paths"] if self.groups is self.paths else self.groups[mask]
        return replace(self, groups=groups, **columns)

    def of(self, split: str) -> "Photos":
        """The photos of one split."""
        return self.select(self.splits == split)

    @property
    def empty_classes(self) -> list[str]:
        """Names of the classes that no photo belongs to."""
        present = set(self.labels.tolist())
        return [name for label, name in enumerate(self.classes) if label not in present]

    def file(self, index: int) -> str:
        """The path of photo ``index``, including the root folder."""
        # No Path: it would intern every part of it for a moment, in a table that each worker then has a copy of.
        return os.path.join(self.root, self.paths[index])


def read_folder(root: str | Path, group_pattern: str | None = None) -> Photos:
    """Index ``root/<class>/**/*`` or ``root/{train,val,test}/<class>/**/*``; hidden files and other suffixes are passed over.

    Args:
        root: The data folder. ``valid`` and ``validation`` are other names for ``val``.
        group_pattern: Regular expression searched in each relative path; its match (or its first group, if it
            has one) names the photo's group. None makes every photo its own group.

    Raises:
        UserError: The folder is missing, has no class folders, an empty class, or one class only; the split folders
            disagree; a folder cannot be opened; or the pattern is wrong or does not match every photo.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"data.root {root} is not a folder; expected {root}/<class>/*.jpg")
    split_folders = _split_folders(root) or {"": root}
    class_lists = {split: _folders(folder) for split, folder in split_folders.items()}
    classes = _common_classes(root, class_lists)
    folders = [(folder / name, name, split) for split, folder in split_folders.items() for name in class_lists[split]]
    # In order of path, one folder after the other: nothing has to be sorted as a whole.
    folders.sort(key=lambda folder: f"{folder[0].relative_to(root).as_posix()}/")
    sizes: list[int] = []
    paths = StringArray(chain.from_iterable(_photos_below(folder, root, sizes) for folder, _, _ in folders))
    labels = np.array([classes.index(normalise_name(name)) for _, name, _ in folders], dtype=np.int64)
    return Photos(
        root=root,
        classes=classes,
        paths=paths,
        labels=np.repeat(labels, sizes),
        groups=_groups(paths, group_pattern),
        splits=np.repeat(np.array([split for _, _, split in folders], dtype="<U5"), sizes),
        grouped=group_pattern is not None,
        rows=np.arange(len(paths)),
    )


def normalise_name(name: str) -> str:
    """Spell a name alike on every system: macOS decomposes Korean and accented letters (NFC)."""
    return unicodedata.normalize("NFC", name)


def _folders(folder: Path) -> list[str]:
    try:
        # Not entry.is_dir(), which raises on a link that leads to itself.
        return sorted(name for name in os.listdir(folder) if os.path.isdir(folder / name) and not name.startswith("."))
    except PermissionError as error:
        _refuse_closed(error)


def _refuse_closed(error: OSError) -> NoReturn:
    raise UserError(f"{error.filename} cannot be opened ({error.strerror}); let it be read, or move it out") from error


def _split_folders(root: Path) -> dict[str, Path]:
    """The user's split by our names, or nothing where the folders are classes."""
    names = _folders(root)
    known = [name for name in names if name.lower() in SPLIT_FOLDERS]
    if "train" not in {name.lower() for name in known} or len(known) < 2:
        if known and all(_folders(root / name) and not _photos_in(root / name) for name in names):
            raise UserError(
                f"{root} has the folders {shortlist(names)}, which look like a split; expected train with val or test beside it, "
                "or class folders alone"
            )
        return {}
    if others := sorted(set(names) - set(known)):
        raise UserError(f"{root} has split folders ({shortlist(known)}) beside others ({shortlist(others)}); move the others out")
    folders = {SPLIT_FOLDERS[name.lower()]: root / name for name in known}
    if len(folders) < len(known):
        raise UserError(f"{root} has several folders for one split ({shortlist(known)}); keep one of each")
    return folders


def _photos_in(folder: Path) -> list[str]:
    return [name for name in os.listdir(folder) if _is_photo(name)]


def _is_photo(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")


def _common_classes(root: Path, class_lists: dict[str, list[str]]) -> tuple[str, ...]:
    """The class names, which must be the same in every split."""
    names = {split: sorted({normalise_name(name) for name in found}) for split, found in class_lists.items()}
    reference = names.get("train", next(iter(names.values())))
    for split, found in names.items():
        if found != reference:
            different = sorted(set(found) ^ set(reference))
            raise UserError(f"{root}: train and {split} do not have the same class folders; they differ in {shortlist(different)}")
    if not reference:
        raise UserError(f"{root} has no class folders; expected {root}/<class>/*.jpg")
    if len(reference) == 1:
        raise UserError(f"{root} has one class only ({reference[0]}); a classifier needs at least two class folders")
    if clashing := sorted(RESERVED & set(reference)):
        raise UserError(
            f"{root}: a class cannot be called {clashing[0]}, since predictions have a column of that name; rename the folder"
        )
    return tuple(reference)


def _photos_below(folder: Path, root: Path, sizes: list[int]) -> list[str]:
    """Relative paths of all photos below a folder, in order; their number is added to ``sizes``."""
    result: list[str] = []
    # Links to folders are not followed: a circle of them would show a photo under several names.
    for parent, directories, files in os.walk(folder, onerror=_refuse_closed):
        directories[:] = [name for name in directories if not name.startswith(".")]
        below = Path(parent).relative_to(root).as_posix()
        result += [f"{below}/{name}" for name in files if _is_photo(name)]
    if not result:
        raise UserError(f"class folder {folder} has no photos; fill it or remove it")
    sizes.append(len(result))
    return sorted(result)


def group_name(match: re.Match[str]) -> str:
    """What a pattern names by its match: its first group, if it has one that matched, or else all of it."""
    return match[min(1, match.re.groups)] or match[0]


def _groups(paths: StringArray, pattern: str | None) -> StringArray:
    if pattern is None:
        # The same array, unless macOS wrote the names.
        is_normal = all(unicodedata.is_normalized("NFC", path) for path in paths)
        return paths if is_normal else StringArray(map(normalise_name, paths))
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"data.group_pattern {pattern!r} is not a regular expression: {error}") from error
    places: dict[str, int] = {}
    codes = np.zeros(len(paths), dtype=np.int64)
    missed: list[str] = []
    for number, path in enumerate(paths):
        if match := expression.search(normalise_name(path)):
            codes[number] = places.setdefault(group_name(match), len(places))
        else:
            missed.append(path)
    if missed:
        count = "no photo" if len(missed) == len(paths) else f"all photos but {len(missed)} of {len(paths)}"
        raise UserError(f"data.group_pattern {pattern!r} matches {count}; not matched: {shortlist(missed, 3)}")
    return StringArray(places, codes)
