"""What is a photo: one rule for every command.

A photo is a file whose name ends as those of a format that can be decoded. What is hidden, and what
systems and network disks leave in folders, is none. A link to a folder is as good as the folder,
but each real folder is looked into once, so that links in a circle show no photo twice.
"""

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

from posture_classifier.data.left_out import LeftOut, Reason, other_file
from posture_classifier.images.decode import SUFFIXES
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.paths import matching_paths

SYSTEM_FOLDERS = frozenset(
    (
        # Synology: thumbnails, bin, snapshots
        *("@eadir", "#recycle", "#snapshot", "@sharesnap", "@tmp"),
        # QNAP, NetApp
        *("@recycle", "@recently-snapshot", "@__thumb", "~snapshot"),
        # Windows
        *("$recycle.bin", "system volume information", "found.000"),
        # macOS: its part of a zip archive, and of a disk on the network
        *("__macosx", "network trash folder", "temporary items"),
        # Linux, Android
        *("lost+found", "lost.dir"),
    )
)
"""Names, in lower case, of folders that hold thumbnails, deleted photos or copies."""


class Found(NamedTuple):
    """What a folder holds; paths are relative to the root, with forward slashes.

    Attributes:
        photos: Paths of the photos.
        left_out: What is not taken.
        folders: Paths of the folders in it that may hold more, where they were not looked into.
    """

    photos: list[str]
    left_out: list[LeftOut]
    folders: list[str]


OnClosed = Callable[[OSError], object]
"""Called with the error of a folder that cannot be opened."""


def refuse_closed(error: OSError) -> NoReturn:
    """Refuse a folder that cannot be opened, since the photos in it would be missed.

    Raises:
        UserError: Always.
    """
    raise UserError(f"{error.filename} cannot be opened ({error.strerror}); let it be read, or move it out") from error


def look_into(root: Path, folder: str = "", on_closed: OnClosed = refuse_closed) -> Found:
    """List one folder, but nothing below the folders in it.

    ``on_closed`` is called where a folder cannot be opened.

    Raises:
        UserError: The folder cannot be opened, unless ``on_closed`` lets it pass.
    """
    found = Found([], [], [])
    for entry in _entries(root / folder, on_closed):
        path, hidden = f"{folder}/{entry.name}" if folder else entry.name, entry.name.startswith(".")
        if _is_folder(entry):
            if reason := _folder_reason(entry.name):
                found.left_out.extend(_left_out_folder(entry, path, reason))
            else:
                found.folders.append(path)
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES:
            found.left_out.append(LeftOut(path, "hidden_files")) if hidden else found.photos.append(path)
        elif not hidden:  # one that is hidden and no photo is missed by nobody
            found.left_out.append(other_file(path))
    found.photos.sort()
    found.left_out.sort(key=lambda each: each.path)
    found.folders.sort()
    return found


def folders_alone(root: Path, folder: str) -> list[str]:
    """Names of the folders that a folder holds; none where a photo lies beside them."""
    names = []
    for entry in _entries(root / folder, lambda _: None):
        if not _is_folder(entry):
            if os.path.splitext(entry.name)[1].lower() in SUFFIXES and not entry.name.startswith("."):
                return []
        elif not _folder_reason(entry.name):
            names.append(entry.name)
    return names


def find_photos(root: Path, folder: str = "", on_closed: OnClosed = refuse_closed) -> Found:
    """Find all photos below a folder, in order; arguments and errors are those of ``look_into``.

    Example:
        >>> find_photos(Path("photos"), "left").photos[0]
        'left/person0_0.png'
    """
    photos: list[str] = []
    left_out: list[LeftOut] = []
    for found in walk_photos(root, folder, on_closed):
        photos += found.photos
        left_out += found.left_out
    return Found(sorted(photos), left_out, [])


def walk_photos(root: Path, folder: str = "", on_closed: OnClosed = refuse_closed) -> Iterator[Found]:
    """Find all photos below a folder, as ``find_photos`` does, but one folder at a time.

    Of a million photos in folders of thousands no more than a folder's names are in memory. The
    order is the same whenever nothing in the folder has changed: a folder's own photos, then those
    below the folders in it, and those behind links to folders last.

    Example:
        >>> [found.photos[0] for found in walk_photos(Path("photos")) if found.photos]
        ['left/person0_0.png', 'right/person0_0.png']
    """
    seen: set[str] = set()
    # Real folders come before links, so that no photo changes its name when a link to it is added.
    folders, links = [folder], list[str]()
    while folders or links:
        path = folders.pop() if folders else links.pop(0)
        place = os.path.realpath(root / path)
        if place in seen or (path and Path(os.path.realpath((root / path).parent)).is_relative_to(place)):
            yield Found([], [LeftOut(path, "linked_again")], [])
            continue
        seen.add(place)
        found = look_into(root, path, on_closed)
        yield Found(found.photos, found.left_out, [])
        linked = [inner for inner in found.folders if os.path.islink(root / inner)]
        folders += [inner for inner in reversed(found.folders) if inner not in linked]
        links = sorted(links + linked)


def beside_classes(found: Found) -> Iterator[LeftOut]:
    """What is left out of a folder of class folders; texts and tables may well lie there."""
    yield from (LeftOut(path, "outside_classes") for path in found.photos)
    yield from (each for each in found.left_out if each.reason != "other_files")


def match_files(pattern: str) -> Found:
    """Find the files that a pattern matches, whatever their suffix; ``**`` is any depth of folders.

    What the pattern names itself is taken, whatever its name, and so is what is hidden: a pattern
    matches that only if it names the dot.
    """
    photos: dict[tuple[str, str], str] = {}
    left_out: list[LeftOut] = []
    # glob goes through a circle of links some 40 times; the shortest way comes first.
    for match in sorted(map(str, matching_paths(pattern)), key=lambda match: (match.count(os.sep), match)):
        if not os.path.isfile(match):
            continue
        named = [part for part in Path(match).parts if part.startswith(".") or part in Path(pattern).parts]
        if each := passed_over(Path(match).as_posix(), named):
            left_out.append(each)
        else:
            folder, name = os.path.split(match)
            photos.setdefault((os.path.realpath(folder), name), match)
    return Found(sorted(photos.values()), left_out, [])


def passed_over(path: str, named: Collection[str] = ()) -> LeftOut | None:
    """Find out from its path whether a file is hidden, or in a folder that is left out.

    The path has forward slashes. Names in ``named`` are taken all the same.

    Example:
        >>> passed_over("left/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg").name
        '@eaDir'
    """
    *folders, name = path.split("/")
    for folder in folders:
        if folder not in named and (reason := _folder_reason(folder)):
            return LeftOut(path, reason, folder)
    return LeftOut(path, "hidden_files") if name.startswith(".") and name not in named else None


def _folder_reason(name: str) -> Reason | None:
    if name.startswith("."):
        return "hidden_files"
    return "system_folders" if name.lower() in SYSTEM_FOLDERS else None


def _left_out_folder(folder: os.DirEntry[str], path: str, reason: Reason) -> list[LeftOut]:
    """The folder and how many photos are in it; nothing if there are none, or if it is closed."""
    if folder.is_symlink():  # what it leads to may be a whole disk
        return []
    n = sum(os.path.splitext(name)[1].lower() in SUFFIXES for _, _, names in os.walk(folder) for name in names)
    return [LeftOut(path, reason, folder.name, n)] if n else []


def _entries(folder: Path, on_closed: OnClosed) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        on_closed(error)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False
