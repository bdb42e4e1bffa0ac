"""The files below a folder, in whatever state it is: findings of what ``fit`` would not take."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.data.folder import SPLIT_FOLDERS, Photos, detect_layout, group_name, read_folder
from posture_classifier.data.layout import Layout, class_folders, folder_group
from posture_classifier.data.left_out import LeftOut, describe_folders, describe_suffixes
from posture_classifier.data.photo_files import beside_classes, find_photos, look_into
from posture_classifier.data.photo_table import read_photo_table
from posture_classifier.data.string_array import StringArray
from posture_classifier.images.decode import SUFFIX_FORMATS
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, plural, shortlist

UNSUPPORTED = frozenset(
    (
        *SUFFIX_FORMATS,  # an older Pillow lacks the decoder of some, such as AVIF
        *(".jxl", ".jxr", ".psd", ".psb", ".xcf"),
        *(".dcm", ".dicom"),  # of medical devices
        # what cameras call raw
        *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw"),
        *(".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
    )
)
"""Suffixes of photos that other programs can decode."""
KINDS: dict[str, tuple[Severity, str, str, str]] = {
    "unsupported_formats": ("warning", "file", "in a photo format that is not read here", "; export them as JPEG or PNG"),
    "outside_classes": ("warning", "file", "in no class folder", "; move them into the folders of their classes"),
    "other_files": ("note", "file", "in a class folder, but of another kind", ""),
    "hidden_files": ("note", "file", "hidden", "; rename what you want to use, so that no name begins with a dot"),
    "system_folders": (
        "note",
        "file",
        "in a folder that a system or a network disk left behind",
        "; move out what you want to use, and remove the rest",
    ),
    "linked_again": ("note", "link", "to a folder that was counted already", ""),
}
"""The severity of each kind, what is counted, how it is told, and what to do."""


@dataclass(frozen=True)
class Listing:
    """The files below a folder, or those of a table.

    Attributes:
        photos: Every file that ``fit`` would take for a photo; there may be one class or none.
        left_out: What ``fit`` would not take.
        empty: Paths of class folders without a photo.
    """

    photos: Photos
    left_out: list[LeftOut]
    empty: list[str]


def list_folder(root: Path, layout: Layout | None = None) -> Listing:
    """Find all files below a folder, whether ``fit`` would take the folder or not.

    Without a layout it is found out, where it is certain.

    Raises:
        UserError: There is no such folder.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    layout = layout or _detect(root)
    top = look_into(root, on_closed=_pass)
    splits = _split_folders(top.folders)
    parents = {folder: look_into(root, folder, _pass) for folder in splits}
    # Beside the user's split, whole folders may lie outside of any class.
    outside = [find_photos(root, folder, _pass) for folder in top.folders if splits and folder not in splits]
    left_out = [each for found in (top, *outside, *parents.values()) for each in beside_classes(found)]
    folders, beside = class_folders(root, parents or {"": top}, layout, _pass)
    left_out += beside
    places: list[tuple[str, str, str]] = []  # path, split, class
    empty = []
    for folder in folders:
        found = find_photos(root, folder.path, _pass)
        places += [(path, splits.get(folder.split, ""), folder.class_name) for path in found.photos]
        left_out += found.left_out
        empty += [] if found.photos else [folder.path]
    return Listing(_photos(root, sorted(places), layout), left_out, empty)


def list_table(table: Path, root: Path, group_pattern: str | None = None, layout: Layout | None = None) -> Listing:
    """List the photos of a table, whether their files are there or not.

    Raises:
        UserError: The table is not as ``fit`` takes it, or the options contradict it.
    """
    photos = read_photo_table(table, root, missing=True)
    if layout is not None or (photos.grouped and group_pattern is not None):
        given = "layout" if layout is not None else "group_pattern"
        raise UserError(f"--{given} contradicts {table}, which names classes and groups itself; leave it out")
    return Listing(photos, [], [])


def _detect(root: Path) -> Layout:
    try:
        return detect_layout(root, ask=False)
    except UserError:  # ``layout_findings`` reports it
        return "class"


def _pass(error: OSError) -> None:
    """A folder that cannot be opened is empty here, and ``layout_findings`` reports it."""


def _photos(root: Path, places: list[tuple[str, str, str]], layout: Layout) -> Photos:
    classes = tuple(sorted({name for _, _, name in places}))
    paths = [path for path, _, _ in places]
    # A photo in no folder of a group stays alone, and ``layout_findings`` reports it.
    groups = (folder_group(path, layout, bool(split)) or normalise_name(path) for path, split, _ in places)
    return Photos(
        root=root,
        classes=classes,
        paths=StringArray(paths),
        labels=np.array([classes.index(name) for _, _, name in places], dtype=np.int64),
        groups=StringArray(groups),
        splits=np.array([split for _, split, _ in places], dtype="<U5"),
        grouped=layout != "class",
        rows=np.arange(len(paths)),
        layout=layout,
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


def layout_findings(listing: Listing, ask: bool = True) -> list[Finding]:
    """Report what ``fit`` refuses, in its own words, and the files that it would pass over.

    ``ask`` is whether ``fit`` would ask for the layout where it is not certain.
    """
    findings = left_out_findings(listing.left_out) + same_name_findings(listing.photos)
    if listing.photos.table is not None:  # what fit refuses of a table, reading it has refused
        return findings
    try:
        detect_layout(listing.photos.root, ask)
        read_folder(listing.photos.root, layout=listing.photos.layout)
    except UserError as error:
        empty = f" Empty: {shortlist(listing.empty)}." if listing.empty else ""
        text = f"fit would refuse this folder: {error}.{empty}"
        findings.append(Finding("folder_layout", "error", text, values={"empty_classes": listing.empty}))
    return findings


def left_out_findings(left_out: list[LeftOut]) -> list[Finding]:
    """Report what is left out, by kind."""
    kinds: dict[str, list[LeftOut]] = {kind: [] for kind in KINDS}
    for each in left_out:
        unsupported = each.reason == "other_files" and each.name in UNSUPPORTED
        kinds["unsupported_formats" if unsupported else each.reason].append(each)
    return [_finding(kind, found) for kind, found in kinds.items() if found]


def _finding(kind: str, found: list[LeftOut]) -> Finding:
    severity, noun, text, advice = KINDS[kind]
    n = sum(each.files for each in found)
    by_suffix = found[0].reason == "other_files"
    names: Counter[str] = Counter()
    for each in found:
        if each.name or by_suffix:
            names[each.name] += each.files
    which = f" ({describe_suffixes(names) if by_suffix else describe_folders(names)})" if names else ""
    sentence = f"{plural(n, f'{noun} is', f'{noun}s are')} {text}{which}, and will not be used{advice}."
    captions = ["" if by_suffix or not each.name else plural(each.files, "file") for each in found]
    return Finding(kind, severity, sentence, [[each.path] for each in found], captions)


def same_name_findings(photos: Photos) -> list[Finding]:
    """Report photos and folders that a disk of Windows or macOS could not hold side by side."""
    spellings: dict[tuple[str, str], set[str]] = {}
    for photo in photos.paths:
        for path in (PurePosixPath(photo), *PurePosixPath(photo).parents):
            spellings.setdefault((str(path.parent), normalise_name(path.name).casefold()), set()).add(str(path))
    alike = [sorted(paths) for _, paths in sorted(spellings.items()) if len(paths) > 1]
    if not alike:
        return []
    text = (
        f"{plural(len(alike), 'name differs', 'names differ')} from another in upper and lower case or in its Unicode form alone, "
        "so that a disk of Windows or macOS takes both for one, and a class may be torn in two; rename one of each."
    )
    return [Finding("same_names", "warning", text, alike)]
