"""Finds the photos of a folder, their labels and their groups (persons or sessions)."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.layout import AmbiguousLayoutError, Layout, class_folders, find_layout, folder_group
from posture_classifier.data.left_out import LeftOutCounts, count_left_out, describe_left_out
from posture_classifier.data.photo_files import Found, beside_classes, find_photos, look_into
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.photo_source import photo_file
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, plural, shortlist

SPLIT_FOLDERS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
TABLE_COLUMNS = ("path", "label", "probability", "sure", "distance", "familiar", "heat_map", "error")
"""Columns of the tables that ``predict`` writes, beside one for each class."""
RESERVED = {*TABLE_COLUMNS, "group", "fold"}
"""Columns of tables of predictions, like which no class may be named."""


@dataclass(frozen=True)
class Photos:
    """An index of N photos in order of their paths.

    Attributes:
        root: The folder that ``paths`` are relative to, where they are no URLs.
        classes: Class names in alphabetical order; a label is an index into them.
        paths: (N,) relative paths with forward slashes on every operating system.
        labels: (N,) int64 labels.
        groups: (N,) names of groups; a split never tears a group apart.
        splits: (N,) ``train``, ``val`` or ``test``; empty where the photo is in none (yet).
        grouped: Whether photos were grouped; if not, every photo is its own group.
        rows: (N,) int64 place of each photo among all that were indexed, whichever split it is in.
        left_out: Number of the files that are not taken, by reason.
        layout: What the folders name.
        relabelled: Number of the photos that count as another class than their folder says.
        table: The table that lists the photos; None where they lie in class folders.
    """

    root: Path
    classes: tuple[str, ...]
    paths: StringArray
    labels: npt.NDArray[np.int64]
    groups: StringArray
    splits: npt.NDArray[np.str_]
    grouped: bool
    rows: npt.NDArray[np.int64]
    left_out: LeftOutCounts = field(default_factory=Counter)
    layout: Layout = "class"
    relabelled: int = 0
    table: Path | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def select(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Photos":
        """Select photos by a mask or an array of indices."""
        columns = {name: getattr(self, name)[mask] for name in ("paths", "labels", "splits", "rows")}
        groups = columns["paths"] if self.groups is self.paths else self.groups[mask]
        return replace(self, groups=groups, **columns)

    def in_split(self, split: str) -> "Photos":
        """Select the photos of one split."""
        return self.select(self.splits == split)

    @property
    def empty_classes(self) -> list[str]:
        """Names of the classes that no photo belongs to."""
        counts = np.bincount(self.labels, minlength=len(self.classes))
        return [name for name, n in zip(self.classes, counts.tolist(), strict=True) if n == 0]

    def file(self, index: int) -> str:
        """The path of photo ``index``, including the root folder, or its URL."""
        return photo_file(self.root, self.paths[index])

    @property
    def source(self) -> Path:
        """The folder or the table that says which photos there are, for messages."""
        return self.table or self.root

    @property
    def place(self) -> str:
        """Where the photos are, for messages: ``below photos`` or ``in photos.csv``."""
        return f"below {self.root}" if self.table is None else f"in {self.table}"


def read_folder(root: str | Path, group_pattern: str | None = None, layout: Layout = "class") -> Photos:
    r"""Index ``root/<class>/**/*`` or ``root/{train,val,test}/<class>/**/*``.

    ``photo_files`` says which files are photos; the others are counted.

    Args:
        root: The data folder. ``valid`` and ``validation`` are other names for ``val``.
        group_pattern: Regular expression searched in each relative path; its match (or its first
            group, if it has one) names the photo's group, and an empty match the group ``none``:
            ``anna|ben|$`` puts all others into it. None leaves that to the folders; where they name
            no groups, every photo is its own.
        layout: What the folders name.

    Raises:
        UserError: The folder is missing, has no class folders, an empty class, or one class only;
            the split folders disagree; a folder cannot be opened; the pattern is wrong or does not
            match every photo; or a photo lies in no folder of a group.

    Example:
        >>> photos = read_folder("photos", group_pattern=r"person\d")
        >>> len(photos), photos.classes
        (24, ('left', 'right'))
        >>> photos.paths[0], photos.groups[0]
        ('left/person0_0.png', 'person0')
    """
    root = Path(root)
    top, split_folders = _outer_folders(root)
    left_out = count_left_out(each for found in (top, *split_folders.values()) for each in beside_classes(found))
    parents = split_folders or {"": top}
    folders, beside = class_folders(root, parents, layout)
    left_out += count_left_out(beside)
    classes = _common_classes(root, {split: [each.class_name for each in folders if each.split == split] for split in parents})
    # Folder by folder in order of path, so that the whole list need not be sorted.
    folders.sort(key=lambda folder: f"{folder.path}/")
    sizes: list[int] = []
    paths = StringArray(chain.from_iterable(_photos_below(root, folder.path, sizes, left_out) for folder in folders))
    return Photos(
        root=root,
        classes=classes,
        paths=paths,
        labels=np.repeat([classes.index(folder.class_name) for folder in folders], sizes),
        groups=_groups(paths, group_pattern, layout, bool(split_folders)),
        splits=np.repeat(np.array([folder.split for folder in folders], dtype="<U5"), sizes),
        grouped=group_pattern is not None or layout != "class",
        rows=np.arange(len(paths)),
        left_out=left_out,
        layout=layout,
    )


def detect_layout(root: str | Path, ask: bool = True) -> Layout:
    """Find out what the folders below the root name.

    Where two readings are possible, the folder is refused, or is ``class`` without ``ask``.

    Raises:
        UserError: It is not certain; or the folder is missing, or its split folders disagree.
    """
    root = Path(root)
    top, split_folders = _outer_folders(root)
    folders = split_folders.get("train", top).folders
    layout = find_layout(root, folders)
    if layout is None and ask:
        raise AmbiguousLayoutError(root, folders)
    return layout or "class"


def _outer_folders(root: Path) -> tuple[Found, dict[str, Found]]:
    """Look into the root, and into the folder of each split that the user made."""
    if not root.is_dir():
        raise UserError(f"data.root {root} is not a folder; expected {root}/<class>/*.jpg")
    top = look_into(root)
    return top, {split: look_into(root, folder) for split, folder in _split_folders(root, top.folders).items()}


def _split_folders(root: Path, names: list[str]) -> dict[str, str]:
    """Find the user's own split among the folders; none where the folders are classes."""
    known = [name for name in names if name.lower() in SPLIT_FOLDERS]
    if "train" not in {name.lower() for name in known} or len(known) < 2:
        if known and all(found.folders and not found.photos for found in (look_into(root, name) for name in names)):
            raise UserError(
                f"{root} has the folders {shortlist(names)}, which look like a split; expected train with val or test beside it, "
                "or class folders alone"
            )
        return {}
    if others := sorted(set(names) - set(known)):
        raise UserError(f"{root} has split folders ({shortlist(known)}) beside others ({shortlist(others)}); move the others out")
    folders = {SPLIT_FOLDERS[name.lower()]: name for name in known}
    if len(folders) < len(known):
        raise UserError(f"{root} has several folders for one split ({shortlist(known)}); keep one of each")
    return folders


def _common_classes(root: Path, class_lists: dict[str, list[str]]) -> tuple[str, ...]:
    """Return the class names, which must be the same in every split."""
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


def _photos_below(root: Path, folder: str, sizes: list[int], left_out: LeftOutCounts) -> list[str]:
    """List the photos of a class folder; append their number to ``sizes``, and count the rest."""
    found = find_photos(root, folder)
    counts = count_left_out(found.left_out)
    if not found.photos:
        why = f" (left out: {described})" if (described := describe_left_out(counts)) else ""
        raise UserError(f"class folder {root / folder} has no photos{why}; fill it or remove it")
    left_out.update(counts)
    sizes.append(len(found.photos))
    return found.photos


def group_name(match: re.Match[str]) -> str:
    """Return the first group of a match, if it has one that matched, or else the whole match.

    An empty match names the group ``none``: the end ``|$`` of a pattern matches any name.
    """
    return match[min(1, match.re.groups)] or match[0] or "none"


def ungrouped(photos: Photos) -> Photos:
    """Make every photo its own group, whatever its folders name."""
    return replace(photos, groups=own_names(photos.paths), grouped=False)


def with_groups(photos: Photos, groups: npt.NDArray[np.str_]) -> Photos:
    """The photos with these groups (N,); they are grouped if any two photos share one."""
    return replace(photos, groups=StringArray(groups.tolist()), grouped=len(set(groups.tolist())) < len(photos))


def own_names(paths: StringArray) -> StringArray:
    """The group (N,) of each photo that is its own: its path in composed form."""
    # Unless macOS wrote the names, both arrays are one, which saves memory.
    is_normal = all(unicodedata.is_normalized("NFC", path) for path in paths)
    return paths if is_normal else StringArray(map(normalise_name, paths))


def _groups(paths: StringArray, pattern: str | None, layout: Layout, in_split: bool) -> StringArray:
    if pattern is None and layout == "class":
        return own_names(paths)
    if pattern is None:
        names = [folder_group(path, layout, in_split) for path in paths]
        if alone := [path for path, name in zip(paths, names, strict=True) if name is None]:
            photos = plural(len(alone), "photo lies", "photos lie")
            raise UserError(f"data.layout {layout}: {photos} in no folder of a group: {shortlist(alone, 3)}")
        return StringArray(name or "" for name in names)
    return pattern_groups(paths, pattern)


def pattern_groups(paths: StringArray, pattern: str) -> StringArray:
    """The group (N,) of each photo by what a regular expression matches in its path.

    Raises:
        UserError: The pattern is none, or does not match every photo.
    """
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
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
