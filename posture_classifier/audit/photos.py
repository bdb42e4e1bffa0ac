"""The photos that predictions are about, found by whatever a program calls them."""

import os
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np

from posture_classifier.audit.columns import find_true_column
from posture_classifier.audit.table_file import TableFile
from posture_classifier.check.folder_layout import name_groups
from posture_classifier.data.folder import Photos, read_folder, with_groups
from posture_classifier.data.folds import GroupBy, choose_group_by
from posture_classifier.data.photo_files import find_photos, look_into
from posture_classifier.data.scan.scene_groups import scene_groups
from posture_classifier.data.sessions import session_groups
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, one_line, plural, shortlist


class PhotoPaths:
    r"""The photos of a folder, to be found by what programs call them.

    A path may be absolute, relative to the folder or to another place, with the separators of
    Windows, and without the ending of the file's name. What counts is how many of its last parts
    are those of a photo's path.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> paths = PhotoPaths(read_folder("photos"))
        >>> paths.find("/elsewhere/photos/left/person0_0.png"), paths.find("left\\person0_0")
        ([0], [0])
    """

    def __init__(self, photos: Photos) -> None:
        self._root = os.path.abspath(photos.root)
        self._classes = {normalise_name(name) for name in photos.classes}
        self._parts = [normalise_name(path).split("/") for path in photos.paths]
        self._by_path = {"/".join(parts): index for index, parts in enumerate(self._parts)}
        self._by_name: defaultdict[str, list[int]] = defaultdict(list)
        for index, parts in enumerate(self._parts):
            for name in {parts[-1], _stem(parts[-1])}:
                self._by_name[name].append(index)

    def find(self, name: str, whole: bool = False) -> list[int]:
        """Indices of the photos that a path may name: none, one, or several that fit alike.

        With ``whole``, all of the path, or all of the photo's, must fit.
        """
        text = normalise_name(re.sub(r"^file://", "", name.strip())).replace("\\", "/")
        below = os.path.relpath(os.path.abspath(text), self._root).replace(os.sep, "/")
        for path in (text.removeprefix("./"), below):
            if path in self._by_path:
                return [self._by_path[path]]
        parts = [part for part in text.split("/") if part not in ("", ".", "..")]
        if not parts:
            return []
        fits = {index: self._fit(parts, index, whole) for index in self._by_name.get(parts[-1], [])}
        best = max(fits.values(), default=(0, False))
        return [index for index, fit in fits.items() if fit == best and best[0]]

    def _fit(self, parts: list[str], index: int, whole: bool) -> tuple[int, bool]:
        """How many last parts two paths share, and whether that is all of the photo's path."""
        own = self._parts[index]
        n = 1
        while n < min(len(parts), len(own)) and parts[-n - 1] == own[-n - 1]:
            n += 1
        if n < len(parts) and n < len(own) and (whole or parts[-n - 1] in self._classes):
            return 0, False  # a photo of one name in another class
        return n, n == len(own)


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def match_photos(names: list[str], photos: Photos, table: Path) -> list[int | None]:
    """Find the photo of each row of a table; None where the folder has no such photo.

    Raises:
        UserError: No row has a photo, or a row fits several.
    """
    paths = PhotoPaths(photos)
    found = [paths.find(name) for name in names]
    several = [(name, indices) for name, indices in zip(names, found, strict=True) if len(indices) > 1]
    if several:
        name, indices = several[0]
        raise UserError(
            f"{table}: {plural(len(several), 'path fits', 'paths fit')} several photos below {photos.root}: {one_line(name)} may "
            f"be {shortlist([photos.paths[index] for index in indices], 3)}; write paths from the folder on, or give one within it"
        )
    if not any(found):
        raise UserError(
            f"{table} names no photo below {photos.root}: its first is {shortlist(names, 1)}, and the folder's {photos.paths[0]}"
        )
    return [indices[0] if indices else None for indices in found]


def read_photos(root: Path, group_pattern: str | None, group_by: GroupBy | None) -> Photos:
    """Index the photos of a folder, and name their groups as ``fit`` does.

    Photos that lie in no class folders have no classes yet: a table has to name them.

    Raises:
        UserError: There is no such folder, ``fit`` would refuse its classes, or the groups.
    """
    by = choose_group_by(group_by, group_pattern)
    pattern = group_pattern if by == "pattern" else None
    in_one_folder = root.is_dir() and not look_into(root).folders
    photos = _in_one_folder(root, pattern) if in_one_folder else read_folder(root, pattern)
    if by not in ("cluster", "exif"):
        return photos
    return with_groups(photos, scene_groups(photos) if by == "cluster" else session_groups(photos))


def _in_one_folder(root: Path, pattern: str | None) -> Photos:
    paths = StringArray(find_photos(root).photos)
    if not len(paths):
        raise UserError(f"{root} has no photos; expected {root}/<class>/*.jpg, or photos whose classes the table names")
    labels, splits = np.zeros(len(paths), dtype=np.int64), np.full(len(paths), "", dtype="<U5")
    groups = StringArray(map(normalise_name, paths))
    photos, refused = name_groups(Photos(root, (), paths, labels, groups, splits, False, np.arange(len(paths))), pattern)
    if refused:
        raise UserError(f"--group_pattern: {refused[0].text}")
    return photos


def with_classes(photos: Photos, table: TableFile, path: str, label: str | None) -> tuple[Photos, str]:
    """Give photos that lie in no class folders the classes that a table names.

    ``path`` is the table's column of paths; ``label`` that of the true classes, where its name is
    not a usual one.

    Returns:
        The photos of which the table names the class, and the column of the classes.

    Raises:
        UserError: The table has no such column, or it names one class only.
    """
    column = label or find_true_column(table)
    if column is None:
        raise UserError(
            f"{photos.root} has no class folders, and {table.path} no column of the true classes that can be told by name: its "
            f"columns are {table.columns}; give --label_column"
        )
    cells = [normalise_name(cell) for cell in table.cells[column]]
    classes = tuple(sorted(set(cells) - {""}))
    if len(classes) < 2:
        raise UserError(f"{table.path}: column {column} names one class only ({shortlist(list(classes))}), and there must be two")
    found = match_photos(table.cells[path], photos, table.path)
    labels = {index: classes.index(cell) for index, cell in zip(found, cells, strict=True) if index is not None and cell}
    named = np.array(sorted(labels), dtype=np.int64)
    of_named = np.array([labels[index] for index in named.tolist()], dtype=np.int64)
    return replace(photos.select(named), classes=classes, labels=of_named), column
