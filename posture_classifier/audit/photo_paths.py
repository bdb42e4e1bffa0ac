"""Finds the photos of a folder that a program names, however it wrote their paths."""

import os
import re
from collections import defaultdict
from pathlib import Path

from posture_classifier.data.folder import Photos
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
