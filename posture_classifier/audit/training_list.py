"""The photos that a network was trained on, from a folder, a table or a list of paths."""

import re
from dataclasses import dataclass
from pathlib import Path

from posture_classifier.audit.columns import find_path_column, names_paths
from posture_classifier.audit.photos import PhotoPaths
from posture_classifier.audit.table_file import SUFFIXES, read_table_file
from posture_classifier.data.folder import SPLIT_FOLDERS, Photos
from posture_classifier.data.photo_files import find_photos
from posture_classifier.utils.errors import UserError

LEARNT_FROM = ("train", "val")
"""Splits whose photos a network has learnt from: those of ``val`` chose the epoch."""


@dataclass(frozen=True)
class TrainingPhotos:
    """Photos that were trained on.

    Attributes:
        source: Where they are named, for messages.
        files: Those that are there.
        names: What all of them are called: below the folder of the photos, or as in the list.
        missing: Number of those that are not there.
    """

    source: str
    files: list[Path]
    names: list[str]
    missing: int = 0


def read_training_list(path: Path, photos: Photos) -> TrainingPhotos:
    """Read which photos were trained on.

    Args:
        path: A folder of photos; a table with a column of paths, of which a column ``split`` may
            leave out the test photos; or a text file with a path on each line.
        photos: The photos of the folder, which the list may name.

    Raises:
        UserError: It is none of these, or names no photo.
    """
    if path.is_dir():
        names = [str(path / name) for name in find_photos(path).photos]
    elif path.is_file():
        names = _names_in_table(path) if _is_table(path) else _lines(path)
    else:
        raise UserError(f"--train_list {path} does not exist; give a folder, or a file that names the photos that were trained on")
    if not names:
        raise UserError(f"--train_list {path} names no photo")
    return _find(names, path, photos)


def training_part(photos: Photos) -> TrainingPhotos | None:
    """The photos that the user's own folders name for training; None where there are none."""
    part = photos.select((photos.splits == "train") | (photos.splits == "val"))
    files = [Path(part.file(index)) for index in range(len(part))]
    return TrainingPhotos(f"{photos.root}/train", files, part.paths.tolist()) if files else None


def _is_table(path: Path) -> bool:
    """Whether the first line is the head of a table rather than a path."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        return path.suffix.lower() in SUFFIXES and names_paths(re.split(r"[,;\t]", file.readline().strip()))


def _lines(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    return [line.strip() for line in text.splitlines() if line.strip()]


def _names_in_table(path: Path) -> list[str]:
    table = read_table_file(path)
    names = table.cells[find_path_column(table)]
    splits = table.cells.get("split", ["train"] * len(names))
    return [name for name, split in zip(names, splits, strict=True) if SPLIT_FOLDERS.get(split.lower(), "train") in LEARNT_FROM]


def _find(names: list[str], source: Path, photos: Photos) -> TrainingPhotos:
    below, root = PhotoPaths(photos), photos.root.absolute()
    files, called, missing = list[Path](), list[str](), 0
    for name in names:
        there = [path for path in (Path(name), source.parent / name, root / name) if path.is_file()]
        found = [] if there else below.find(name, whole=True)
        if there:
            files.append(there[0])
            place = there[0].absolute()
            called.append(place.relative_to(root).as_posix() if place.is_relative_to(root) else name)
        elif len(found) == 1:
            files.append(Path(photos.file(found[0])))
            called.append(photos.paths[found[0]])
        else:
            called.append(name.replace("\\", "/"))
            missing += 1
    return TrainingPhotos(str(source), files, called, missing)
