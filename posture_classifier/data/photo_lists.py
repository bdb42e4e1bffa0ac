"""CSV files that name photos: which to leave out, or which split each belongs to."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from posture_classifier.data.exclusion import leave_out
from posture_classifier.data.folder import Photos
from posture_classifier.data.photo_files import passed_over
from posture_classifier.data.split import warn
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_table
from posture_classifier.utils.text import normalise_name, plural, shortlist

DECISION, REMOVE = "decision", "remove"
"""Column of ``fixes.csv``, and what it says of a photo that is to be left out."""


def read_photo_list(option: str, path: Path, columns: Collection[str], source: str) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has at least these columns, the first always filled.

    ``option``, such as ``data.split``, and ``source``, which writes such a file, are for messages.

    Raises:
        UserError: The file cannot be read or lacks a column.
    """
    try:
        return read_table(path, columns)
    except (OSError, ValueError) as error:
        raise UserError(f"{option} {path} cannot be used ({error}); {source} writes such a file") from error


def last_rows(rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    """The last row of each photo, by its path in Unicode's composed form."""
    return {normalise_name(row["path"]): row for row in rows}


def exclude_photos(photos: Photos, path: Path) -> Photos:
    """Leave out the photos that a CSV file names in its column ``path``, relative to the folder.

    Of a ``fixes.csv``, which has decisions, the photos are left out that were removed. A list may
    name files that are no photos, such as thumbnails of a network disk. One that takes over 10 % of
    the photos, or a class from a group, is warned of.

    Raises:
        UserError: The file cannot be read, lacks the column, names photos that are not there, or
            leaves a class empty.
    """
    rows = read_photo_list("data.exclude", path, ["path"], "check --fix_list")
    excluded = {name for name, row in last_rows(rows).items() if row.get(DECISION, REMOVE) == REMOVE}
    names = [normalise_name(name) for name in photos.paths]
    if unknown := sorted(name for name in excluded.difference(names) if not passed_over(name)):
        raise UserError(
            f"data.exclude {path} names {plural(len(unknown), 'photo that is', 'photos that are')} not {photos.place}: "
            f"{shortlist(unknown, 3)}; remove these lines, or check the folder again"
        )
    if relabelled := sum(row.get(DECISION) == "relabel" for row in last_rows(rows).values()):
        warn(f"data.exclude {path} only leaves photos out; data.fixes with the same file also relabels {relabelled}")
    return leave_out(photos, np.array([name in excluded for name in names], dtype=np.bool_), f"data.exclude {path}", "excluded")
