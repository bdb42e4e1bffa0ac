"""CSV files that name photos, and what leaving photos out does to a set."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.left_out import LeftOut, Reason, count_left_out
from posture_classifier.data.photo_files import passed_over
from posture_classifier.data.split import count_classes, warn
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_table
from posture_classifier.utils.text import normalise_name, one_line, plural, shortlist
from posture_classifier.utils.types import Ints

DECISION, REMOVE = "decision", "remove"
"""Column of ``fixes.csv``, and what it says of a photo that is to be left out."""
MUCH = 0.1
"""Share of the photos, and change of a class's share in a group, from which it is said."""
SEVERAL = 10
"""Photos of a group from which such a change is more than that of a photo or two."""
SHOWN = 3


def read_photo_list(option: str, path: Path, columns: Collection[str], source: str) -> list[dict[str, str]]:
    """Read the rows of a CSV file that has at least these columns, the first always filled.

    ``option``, such as ``data.split``, and ``source``, which writes such a file, are for messages.

    Raises:
        UserError: The file cannot be read or lacks a column.
    """
    try:
        return read_table(path, columns)
    except (OSError, ValueError) as error:
        raise UserError(f"{option} {path} cannot be used ({error}); {source} writes such a file".lstrip()) from error


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


def leave_out(photos: Photos, left_out: npt.NDArray[np.bool_], option: str, reason: Reason) -> Photos:
    """Leave photos out, and count them by the reason; a warning says what is lost if it is much.

    Raises:
        UserError: No photo of some class is left; the message begins with the option.
    """
    rest = photos.select(~left_out)
    if empty := rest.empty_classes:
        raise UserError(f"{option} leaves no photo of class {empty[0]}")
    if losses := describe_losses(photos, left_out):
        warn(f"{option} leaves out {'; '.join(losses)}, which changes what is trained on")
    return replace(rest, left_out=photos.left_out + count_left_out([LeftOut("", reason, files=int(left_out.sum()))]))


def describe_losses(photos: Photos, left_out: npt.NDArray[np.bool_]) -> list[str]:
    r"""Say what is lost if it is much; an empty list if it is not.

    A group from which one class goes tells that class by who is on the photo: a person then becomes
    a class.

    Args:
        photos: N photos; where no groups are named, all are looked at as one.
        left_out: (N,) which of them are to go.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> photos = read_folder("photos", group_pattern=r"person\d")
        >>> describe_losses(photos, np.asarray(photos.paths) == "left/person0_0.png")
        []
        >>> describe_losses(photos, np.char.startswith(np.asarray(photos.paths), "left/person0"))
        ['person0 keeps 0 of 2 left and 2 of 2 right']
    """
    n, total = int(left_out.sum()), len(photos)
    losses = [f"{n} of {total} photos ({n / total:.0%})"] if n > MUCH * total else []
    names, groups = np.unique(photos.groups, return_inverse=True)
    if not photos.grouped:
        names, groups = np.array(["the folder"]), np.zeros(total, dtype=np.int64)
    shape = (len(names), len(photos.classes))
    before = count_classes(groups, photos.labels, shape)
    after = count_classes(groups[~left_out], photos.labels[~left_out], shape)
    changed = [group for group in range(len(names)) if _is_changed(before[group], after[group])]
    changed.sort(key=lambda group: int(after[group].sum() - before[group].sum()))
    for group in changed[:SHOWN]:
        kept = [f"{after[group, c]} of {before[group, c]} {photos.classes[c]}" for c in np.flatnonzero(before[group])]
        losses.append(f"{one_line(str(names[group]))} keeps {' and '.join(kept)}")
    if len(changed) > SHOWN:
        losses.append(f"{len(changed) - SHOWN} more groups change like this")
    return losses


def _is_changed(before: Ints, after: Ints) -> bool:
    """Whether a group of several classes loses one of them, or its shares change much."""
    if (before > 0).sum() < 2 or (before == after).all():
        return False
    if (after[before > 0] == 0).any():
        return True
    change = np.abs(after / after.sum() - before / before.sum()).max()
    return bool(before.sum() >= SEVERAL and change > MUCH)
