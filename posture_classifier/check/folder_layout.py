"""The files below a folder, in whatever state it is; what ``fit`` would refuse is a finding."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posture_classifier.check.finding import Finding
from posture_classifier.check.left_out_files import left_out_findings, same_name_findings
from posture_classifier.data.folder import SPLIT_FOLDERS, Photos, group_name, normalise_name, read_folder
from posture_classifier.data.left_out import LeftOut
from posture_classifier.data.photo_files import beside_classes, find_photos, look_into
from posture_classifier.data.string_array import StringArray
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist


@dataclass(frozen=True)
class Listing:
    """The files below a folder; paths are relative to it.

    Attributes:
        photos: Every file that ``fit`` would take for a photo; there may be one class or none.
        left_out: What ``fit`` would not take.
        empty: Paths of class folders without a photo.
    """

    photos: Photos
    left_out: list[LeftOut]
    empty: list[str]


def list_folder(root: Path) -> Listing:
    """Find all files below a folder, whether ``fit`` would take the folder or not.

    Raises:
        UserError: There is no such folder.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    top = look_into(root, on_closed=_pass)
    splits = _split_folders(top.folders)
    parents = {folder: look_into(root, folder, _pass) for folder in splits}
    # Beside the user's split, whole folders may lie outside of any class.
    outside = [find_photos(root, folder, _pass) for folder in top.folders if splits and folder not in splits]
    left_out = [each for found in (top, *outside, *parents.values()) for each in beside_classes(found)]
    places: list[tuple[str, str, str]] = []  # path, split, class
    empty = []
    for parent, folder in [(parent, folder) for parent, found in (parents or {"": top}).items() for folder in found.folders]:
        found = find_photos(root, folder, _pass)
        places += [(path, splits.get(parent, ""), normalise_name(folder.rsplit("/", 1)[-1])) for path in found.photos]
        left_out += found.left_out
        empty += [] if found.photos else [folder]
    return Listing(_photos(root, sorted(places)), left_out, empty)


def _pass(error: OSError) -> None:
    """A folder that cannot be opened is empty here, and ``layout_findings`` reports it."""


def _photos(root: Path, places: list[tuple[str, str, str]]) -> Photos:
    classes = tuple(sorted({name for _, _, name in places}))
    paths = [path for path, _, _ in places]
    return Photos(
        root=root,
        classes=classes,
        paths=StringArray(paths),
        labels=np.array([classes.index(name) for _, _, name in places], dtype=np.int64),
        groups=StringArray(map(normalise_name, paths)),
        splits=np.array([split for _, split, _ in places], dtype="<U5"),
        grouped=False,
        rows=np.arange(len(paths)),
    )


def _split_folders(names: list[str]) -> dict[str, str]:
    """Map the user's split folders to our names for them; empty where the folders are classes."""
    known = {name: SPLIT_FOLDERS[name.lower()] for name in names if name.lower() in SPLIT_FOLDERS}
    return known if "train" in known.values() and len(set(known.values())) > 1 else {}


def name_groups(photos: Photos, pattern: str | None) -> tuple[Photos, list[Finding]]:
    """Name groups by a regular expression; a photo that does not match stays alone: an error."""
    if pattern is None:
        return photos, []
    try:
        expression = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return photos, [Finding("group_pattern", "error", f"The group pattern {pattern!r} is not a regular expression: {error}.")]
    names = [normalise_name(path) for path in photos.paths.tolist()]
    matches = [expression.search(name) for name in names]
    groups = [group_name(match) if match else name for match, name in zip(matches, names, strict=True)]
    missed = [[path] for path, match in zip(photos.paths.tolist(), matches, strict=True) if not match]
    grouped = replace(photos, groups=StringArray(groups), grouped=len(missed) < len(photos))
    if not missed:
        return grouped, []
    text = (
        f"The group pattern {pattern!r} does not match {plural(len(missed), 'photo')} of {len(photos)}; fit would refuse it. "
        "With |$ at its end, these would be a group of their own, none."
    )
    return grouped, [Finding("group_pattern", "error", text, missed)]


def layout_findings(listing: Listing) -> list[Finding]:
    """Report what ``fit`` refuses, in its own words, and the files that it would pass over."""
    findings = left_out_findings(listing.left_out) + same_name_findings(listing.photos)
    try:
        read_folder(listing.photos.root)
    except UserError as error:
        empty = f" Empty: {shortlist(listing.empty)}." if listing.empty else ""
        text = f"fit would refuse this folder: {error}.{empty}"
        findings.append(Finding("folder_layout", "error", text, values={"empty_classes": listing.empty}))
    return findings
