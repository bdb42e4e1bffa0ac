"""``fixes.csv``: what somebody decided about photos, which are left out or count as another class.

No file is moved or changed. A row is a decision, and the last row for a photo counts; taking a
decision back removes its row, so that the one before counts again. Paths are relative to the folder
of the photos. Any other columns, and the order of the columns, are the user's own affair.
"""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from posture_classifier.data.folder import Photos
from posture_classifier.data.photo_lists import DECISION, last_rows, leave_out, read_photo_list
from posture_classifier.images.photo_source import may_exist, photo_file
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.text import normalise_name, plural, shortlist

Decision = Literal["remove", "relabel", "fine"]
SOURCE = "the page of app"


@dataclass(frozen=True)
class Fix:
    """A decision about one photo.

    Attributes:
        path: The photo, relative to the folder of all photos, with forward slashes.
        decision: ``remove``, ``relabel``, or ``fine`` where it stays as it is.
        label: Its class by its folder, for whoever reads the file.
        new_label: The class that it counts as from now on; empty where it is not relabelled.
        reason: Why somebody had to look at it.
        time: When it was decided, in UTC (ISO 8601).
    """

    path: str
    decision: Decision
    label: str = ""
    new_label: str = ""
    reason: str = ""
    time: str = ""

    @classmethod
    def now(cls, path: str, decision: Decision, label: str, new_label: str = "", reason: str = "") -> "Fix":
        """A decision that is taken at this moment."""
        return cls(path, decision, label, new_label, reason, datetime.now(UTC).isoformat(timespec="seconds"))


COLUMNS = [field.name for field in fields(Fix)]


def read_fixes(path: Path) -> dict[str, Fix]:
    """Read the decision that counts for each photo, by its path in Unicode's composed form.

    Raises:
        UserError: The file cannot be read, lacks the columns ``path`` and ``decision``, or has a
            decision that there is not, or one of another class without that class.

    Example:
        >>> decisions = [Fix("left/a.jpg", "fine"), Fix("left/a.jpg", "relabel", new_label="right")]
        >>> add_fixes(Path("fixes.csv"), decisions)
        >>> read_fixes(Path("fixes.csv"))["left/a.jpg"].new_label
        'right'
    """
    rows = last_rows(read_photo_list("data.fixes", path, ["path", DECISION], SOURCE))
    for row in rows.values():
        if row[DECISION] not in get_args(Decision):
            raise UserError(
                f"data.fixes {path}: {row['path']} has the unknown decision {row[DECISION]!r}; use {', '.join(get_args(Decision))}"
            )
        if row[DECISION] == "relabel" and not row.get("new_label"):
            raise UserError(f"data.fixes {path}: {row['path']} is to be relabelled, but has no new_label; name its class there")
    return {name: Fix(**{column: row.get(column, "") for column in COLUMNS}) for name, row in rows.items()}  # type: ignore[arg-type]


def apply_fixes(photos: Photos, path: Path) -> Photos:
    """Leave out the photos that were removed, and give others their new class.

    Groups and splits stay what they are. A decision about a photo that is left out anyway does no
    harm. Decisions that take over 10 % of the photos, or a class from a group, are warned of.

    Raises:
        UserError: The file is not as ``read_fixes`` wants it, names photos that are not there or
            classes that there are not, or leaves a class empty.
    """
    fixes = {name: fix for name, fix in read_fixes(path).items() if fix.decision != "fine"}
    places = {normalise_name(name): index for index, name in enumerate(photos.paths)}
    strangers = [fix.path for name, fix in fixes.items() if name not in places]
    gone = sorted(path for path in strangers if not may_exist(photo_file(photos.root, path)))
    if gone:
        raise UserError(
            f"data.fixes {path} names {plural(len(gone), 'photo that is', 'photos that are')} not {photos.place}: "
            f"{shortlist(gone, 3)}; put them back, or remove these lines, or give the folder that was reviewed"
        )
    _check_classes(photos.classes, fixes, path)
    classes = {normalise_name(name): label for label, name in enumerate(photos.classes)}
    labels, removed = photos.labels.copy(), np.zeros(len(photos), dtype=np.bool_)
    for name, fix in fixes.items():
        if (index := places.get(name)) is not None and fix.decision == "remove":
            removed[index] = True
        elif index is not None:
            labels[index] = classes[normalise_name(fix.new_label)]
    relabelled = int((labels != photos.labels)[~removed].sum())
    return leave_out(replace(photos, labels=labels, relabelled=relabelled), removed, f"data.fixes {path}", "removed")


def _check_classes(classes: tuple[str, ...], fixes: dict[str, Fix], path: Path) -> None:
    known = set(map(normalise_name, classes))
    wanted = {fix.new_label for fix in fixes.values() if fix.decision == "relabel"}
    if unknown := sorted(name for name in wanted if normalise_name(name) not in known):
        raise UserError(f"data.fixes {path} names the unknown class {shortlist(unknown)}; there are {shortlist(list(classes))}")


def removed_photos(path: Path) -> set[str]:
    """Paths, in composed form, of the photos that were removed."""
    return {name for name, fix in read_fixes(path).items() if fix.decision == "remove"}


def fingerprint(path: Path) -> str:
    """A digest of all that changes a training: equal for files that do the same to the photos."""
    decisions = sorted((name, fix.decision, fix.new_label) for name, fix in read_fixes(path).items() if fix.decision != "fine")
    return hashlib.sha256(repr(decisions).encode(errors="surrogateescape")).hexdigest()[:16]


def check_unchanged(photos: Photos, split: Path) -> None:
    """Refuse to go on with a training whose photos were removed or relabelled since it began.

    ``split`` is the ``split.csv`` of the training.

    Raises:
        UserError: Some were.
    """
    now = {normalise_name(name): photos.classes[label] for name, label in zip(photos.paths, photos.labels.tolist(), strict=True)}
    rows = {normalise_name(row["path"]): row for row in read_photo_list("data.split", split, ["path", "split"], "each run")}
    changed = [name for name, row in rows.items() if row["split"] and now.get(name) != row.get("label", now.get(name))]
    if changed:
        first = changed[0]
        what = f"{first} is {now[first]} and was {rows[first]['label']}" if first in now else f"{first} is left out"
        raise UserError(
            f"{plural(len(changed), 'photo was', 'photos were')} relabelled or removed since this training began ({what}); resume "
            "with the data.fixes that it began with, or train anew, without --ckpt_path"
        )


def add_fixes(path: Path, fixes: Sequence[Fix]) -> None:
    """Add decisions to the file, made if need be; all of them are on the disk afterwards.

    Raises:
        UserError: The file is no such table, which is left as it is.
    """
    _write([*_rows(path), *map(asdict, fixes)], path)


def take_back_last(path: Path, photos: Container[str]) -> str | None:
    """Remove the last decision about any of these photos, by their paths as the folder has them.

    Returns:
        The photo's path; None if nothing was decided.
    """
    rows = _rows(path)
    about = [index for index, row in enumerate(rows) if row["path"] in photos]
    if not about:
        return None
    taken = rows.pop(about[-1])
    _write(rows, path)
    return taken["path"]


def _rows(path: Path) -> list[dict[str, str]]:
    """All rows as they are, since somebody may have added some by hand; none without a file."""
    return read_photo_list("", path, ["path", DECISION], SOURCE) if path.exists() else []


def _write(rows: list[dict[str, str]], path: Path) -> None:
    columns = list(dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)]))
    with atomic_write(path) as temporary:
        write_rows(rows, columns, temporary)
