"""Photos that the user wants left out, such as those that ``check`` suggests."""

import csv
from pathlib import Path

import numpy as np

from posture_classifier.data.folder import Photos, normal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist


def exclude_photos(photos: Photos, path: Path) -> Photos:
    """Leave out the photos that a file names in its column ``path``, relative to the folder; further columns do not matter.

    Raises:
        UserError: The file cannot be read, lacks the column, names photos that are not there, or leaves a class empty.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.DictReader(file)
            columns, rows = reader.fieldnames or [], list(reader)
    except (OSError, csv.Error) as error:
        raise UserError(f"data.exclude {path} cannot be read ({error}); give a .csv file with a column path") from error
    if "path" not in columns:
        raise UserError(f"data.exclude {path} needs the column path; check --fix_list writes such a file")
    named = {normal(row["path"] or "") for row in rows}
    names = np.array([normal(name) for name in photos.paths.tolist()], dtype=np.str_)
    if unknown := sorted(named - set(names.tolist())):
        raise UserError(
            f"data.exclude {path} names {len(unknown)} photos that are not below {photos.root}: {shortlist(unknown, 3)}; "
            "remove these lines, or check the folder again"
        )
    left = photos.select(~np.isin(names, list(named)))
    if empty := set(range(len(photos.classes))) - set(left.labels.tolist()):
        raise UserError(f"data.exclude {path} leaves no photo of class {photos.classes[min(empty)]}")
    return left
