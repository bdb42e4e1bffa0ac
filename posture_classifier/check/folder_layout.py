"""The files below a folder, in whatever state it is; what ``fit`` would refuse is a finding."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import SPLIT_FOLDERS, Photos, group_name, normalise_name, read_folder
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.decode import SUFFIXES
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist


@dataclass(frozen=True)
class Listing:
    """The files below a folder; paths are relative to it.

    Attributes:
        photos: Every file that ``fit`` would take for a photo; there may be one class or none.
        hidden: Paths of hidden files, and of files in hidden folders.
        outside: Paths of photos that are in no class folder.
        others: Paths of files in class folders whose suffix is not that of a photo.
        empty: Paths of class folders without a photo.
    """

    photos: Photos
    hidden: list[str]
    outside: list[str]
    others: list[str]
    empty: list[str]


def list_folder(root: Path) -> Listing:
    """Find all files below a folder, whether ``fit`` would take the folder or not.

    Raises:
        UserError: There is no such folder.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    splits = _split_folders(root)
    depth = 1 if splits else 0  # place of the class's name in a path
    places: list[tuple[str, str, str]] = []  # path, split, class
    hidden, outside, others, empty = [], [], [], []
    for path in sorted(file.relative_to(root).as_posix() for file in _files(root, depth + 1)):
        *folders, name = path.split("/")
        split = splits.get(folders[0], "") if folders and splits else ""
        in_class = len(folders) > depth and bool(split or not splits)
        if any(part.startswith(".") for part in (*folders, name)):
            hidden.append(path)
        elif Path(name).suffix.lower() not in SUFFIXES:
            others += [path] if in_class else []
        elif in_class:
            places.append((path, split, normalise_name(folders[depth])))
        else:
            outside.append(path)
    filled = {path.rsplit("/", 1)[0].split("/")[depth] for path, _, _ in places}
    for parent in [root / folder for folder in splits] or [root]:
        names = sorted(entry.name for entry in _entries(parent) if os.path.isdir(entry) and not entry.name.startswith("."))
        empty += [(parent / name).relative_to(root).as_posix() for name in names if name not in filled]
    return Listing(_photos(root, places), hidden, outside, others, empty)


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


def _files(folder: Path, depth: int) -> Iterator[Path]:
    """Find all files; links to folders are followed ``depth`` levels down, as ``fit`` does."""
    if depth == 0:
        yield from (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
        return
    for entry in _entries(folder):
        yield from _files(entry, depth - 1) if os.path.isdir(entry) else [entry]


def _entries(folder: Path) -> list[Path]:
    """List a folder; one that cannot be opened is empty, and ``layout_findings`` reports it."""
    try:
        return list(folder.iterdir())
    except PermissionError:
        return []


def _split_folders(root: Path) -> dict[str, str]:
    """Map the user's split folders to our names for them; empty where the folders are classes."""
    names = [entry.name for entry in _entries(root) if os.path.isdir(entry)]
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
    text = f"The group pattern {pattern!r} does not match {plural(len(missed), 'photo')} of {len(photos)}; fit would refuse it."
    return grouped, [Finding("group_pattern", "error", text, missed)]


def layout_findings(listing: Listing) -> list[Finding]:
    """Report what ``fit`` refuses, in its own words, and the files that it would pass over."""
    findings = []
    try:
        read_folder(listing.photos.root)
    except UserError as error:
        empty = f" Empty: {shortlist(listing.empty)}." if listing.empty else ""
        text = f"fit would refuse this folder: {error}.{empty}"
        findings.append(Finding("folder_layout", "error", text, values={"empty_classes": listing.empty}))
    passed_over: tuple[tuple[str, Severity, list[str], str], ...] = (
        ("outside_classes", "warning", listing.outside, "in no class folder, and will not be used"),
        ("hidden_files", "note", listing.hidden, "hidden, and will not be used"),
        ("other_files", "note", listing.others, "in a class folder, but with the name of no photo, and will not be used"),
    )
    for kind, severity, paths, text in passed_over:
        if paths:
            sentence = f"{plural(len(paths), 'file is', 'files are')} {text}."
            findings.append(Finding(kind, severity, sentence, [[path] for path in paths]))
    return findings
