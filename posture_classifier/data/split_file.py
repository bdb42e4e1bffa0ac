"""Writes and reads ``split.csv``: which photo is in which split."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import numpy as np

from posture_classifier.data.folder import Photos
from posture_classifier.data.left_out import count_left_out, describe_left_out
from posture_classifier.data.photo_files import passed_over
from posture_classifier.data.photo_lists import read_photo_list
from posture_classifier.data.split import SPLITS, check_disjoint, warn
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.digest import digest_or_zero
from posture_classifier.images.photo_source import photo_file
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.text import normalise_name, plural, shortlist


def write_split(photos: Photos, path: Path) -> None:
    """Write ``path,split,label,group`` for every photo; ``read_split`` takes it back."""
    labels = (photos.classes[label] for label in photos.labels)
    cells = zip(photos.paths, photos.splits, labels, photos.groups, strict=True)
    columns = ["path", "split", "label", "group"]
    write_rows((dict(zip(columns, row, strict=True)) for row in cells), columns, path)


def read_split(photos: Photos, path: Path, removed: Collection[str] = ()) -> Photos:
    """Read the split of each photo from a CSV file with the columns ``path`` and ``split``.

    Photos that the file does not name are left out, with a warning: they were added since. Where
    photos are not grouped, the column ``group`` (if any) names their groups.

    The file may name ``removed`` photos, by their paths in composed form, all the same.

    Raises:
        UserError: The file is missing, lacks a column, names photos that are not there, has an
            unknown split, or puts a group into two splits.
    """
    listed = {normalise_name(row["path"]): row for row in _read_split_rows(path)}
    rows = {name: row for name, row in listed.items() if row["split"]}
    if unknown := sorted({row["split"] for row in rows.values()} - set(SPLITS)):
        raise UserError(f"data.split {path} has the unknown split {unknown[0]!r}; use train, val and test")
    names = [normalise_name(name) for name in photos.paths]
    if missing := sorted(set(rows) - set(names) - set(removed)):
        _refuse_missing(photos, path, missing)
    if added := [name for name, known in zip(photos.paths, names, strict=True) if known not in listed]:
        warn(
            f"{len(added)} of the {plural(len(photos), 'photo')} {photos.place} cannot be used, since {path} does not name "
            f"{'it' if len(added) == 1 else 'them'}: {shortlist(added, 3)}; a new fit without --ckpt_path and --data.split uses all"
        )
    splits = np.array([rows[name]["split"] if name in rows else "" for name in names], dtype="<U5")
    groups, grouped = photos.groups, photos.grouped
    if not grouped and all("group" in row for row in rows.values()):
        groups = StringArray([rows[name]["group"] if name in rows else name for name in names])
        grouped = len({row["group"] for row in rows.values()}) < len(rows)
    result = replace(photos, splits=splits, groups=groups, grouped=grouped)
    check_disjoint(result)
    return result.select(splits != "")


def _read_split_rows(path: Path) -> list[dict[str, str]]:
    return read_photo_list("data.split", path, ["path", "split"], "each run")


def _refuse_missing(photos: Photos, path: Path, missing: list[str]) -> NoReturn:
    """Say why a split names photos that are not used."""
    if left_out := [each for name in missing if (each := passed_over(name))]:
        files = plural(len(left_out), "file that is not taken for a photo", "files that are not taken for photos")
        raise UserError(
            f"data.split {path} names {files} ({describe_left_out(count_left_out(left_out))}): "
            f"{shortlist([each.path for each in left_out], 3)}; remove these lines from a copy of it, and train anew, "
            "since a thumbnail may have told what the photo shows"
        )
    absent = missing if photos.table else [name for name in missing if not (photos.root / name).is_file()]
    if absent:
        number = plural(len(absent), "photo that is", "photos that are")
        or_left_out = ", or left out as unreadable or by data.exclude" if photos.table else ""
        raise UserError(f"data.split {path} names {number} not {photos.place}{or_left_out}: {shortlist(absent, 3)}")
    raise UserError(
        f"data.split {path} names {plural(len(missing), 'photo that is', 'photos that are')} there, but left out by data.exclude "
        f"or as unreadable: {shortlist(missing, 3)}; remove these lines from a copy of it, or use the photos"
    )


def is_split_of(path: Path, root: Path, known: set[int]) -> bool:
    """Whether a split file was written for the photos below a folder.

    Names alone say little, since every camera writes an IMG_0001.jpg: ``known`` holds the digests
    of the photos that the file was written for.
    """
    digests = (digest_or_zero(photo_file(root, row["path"])) for row in _read_split_rows(path))
    return any(each in known for each in digests if each)
