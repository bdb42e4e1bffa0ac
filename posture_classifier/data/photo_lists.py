"""CSV files that name photos: which to leave out, or which split each belongs to."""

import csv
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from posture_classifier.data.folder import Photos, normalise_name
from posture_classifier.data.photo_files import passed_over
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist


def read_photo_list(option: str, path: Path, columns: Collection[str], source: str) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has at least these columns; a cell that is missing is empty.

    Args:
        option: The option that names the file, such as ``data.split``, for error messages.
        path: The file.
        columns: Columns that it must have.
        source: What writes such a file, for error messages.

    Raises:
        UserError: The file cannot be read or lacks a column.
    """
    try:
        # A name that is not UTF-8 is compared as it is on the disk.
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file, restval="")
            found, rows = set(reader.fieldnames or ()), list(reader)
    except (OSError, csv.Error) as error:
        raise UserError(f"{option} {path} cannot be read ({error}); {source} writes such a file") from error
    if not found.issuperset(columns):
        needed = "column" if len(columns) == 1 else "columns"
        raise UserError(f"{option} {path} needs the {needed} {' and '.join(columns)}; {source} writes such a file")
    return rows


def exclude_photos(photos: Photos, path: Path) -> Photos:
    """Leave out the photos that a CSV file names in its column ``path``, relative to the folder.

    It may name files that are no photos, such as thumbnails of a network disk.

    Raises:
        UserError: The file cannot be read, lacks the column, names photos that are not there, or
            leaves a class empty.
    """
    rows = read_photo_list("data.exclude", path, ["path"], "check --fix_list")
    excluded = {normalise_name(row["path"]) for row in rows}
    names = [normalise_name(name) for name in photos.paths]
    if unknown := sorted(name for name in excluded.difference(names) if not passed_over(name)):
        raise UserError(
            f"data.exclude {path} names {plural(len(unknown), 'photo that is', 'photos that are')} not below {photos.root}: "
            f"{shortlist(unknown, 3)}; remove these lines, or check the folder again"
        )
    rest = photos.select(np.array([name not in excluded for name in names], dtype=np.bool_))
    if empty := rest.empty_classes:
        raise UserError(f"data.exclude {path} leaves no photo of class {empty[0]}")
    return replace(rest, left_out=photos.left_out + Counter({("excluded", ""): len(photos) - len(rest)}))
