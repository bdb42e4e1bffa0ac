"""How folders say what is on a photo: which of them name classes, and which name people."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from posture_classifier.data.left_out import LeftOut
from posture_classifier.data.photo_files import Found, OnClosed, beside_classes, folders_alone, look_into, refuse_closed
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, shortlist

Layout = Literal["class", "class/group", "group/class"]
"""What the folders below the root name, from the outer one to the inner one. A group is a person or
a session, and folders within ``class`` name nothing."""
GROUP_WORDS = "subject|subj|sub|person|people|participant|patient|user|actor|session|sess|scene|video|vid|clip|seq|take|part|group"
"""Words that name people or sessions if a number follows."""
_NUMBERED_GROUP = re.compile(rf"(?:{GROUP_WORDS})[-_ ]?\d+", re.IGNORECASE)


class AmbiguousLayoutError(UserError):
    """``find_layout``, whose arguments are the same, cannot tell which folders name classes."""

    def __init__(self, root: Path, folders: list[str]) -> None:
        outer, inner = (shortlist(sorted(names), 4) for names in (map(_name, folders), _common_folders(root, folders)))
        super().__init__(
            f"{root}: most of the folders {outer} hold folders of the same names ({inner}), so either may be the classes; set "
            f"data.layout to group/class if {inner} are the classes and the others people or sessions, to class/group if it is the "
            "other way round, or to class if the inner folders name nobody"
        )
        self.outer, self.inner = outer, inner


class ClassFolder(NamedTuple):
    """A folder all of whose photos are of one class.

    Attributes:
        path: Its path, relative to the root.
        split: The user's own split that it lies in; empty where there is none.
        class_name: The class.
    """

    path: str
    split: str
    class_name: str


def class_folders(
    root: Path, parents: dict[str, Found], layout: Layout, on_closed: OnClosed = refuse_closed
) -> tuple[list[ClassFolder], list[LeftOut]]:
    """List the class folders of each split, and what lies beside them in the folders of groups.

    Args:
        root: The data folder.
        parents: What the folder of each split holds, by the split; of the root itself where there
            are no splits.
        layout: What the folders name.
        on_closed: What to do about a folder that cannot be opened.
    """
    folders, left_out = [], []
    for split, parent in parents.items():
        inner = [look_into(root, folder, on_closed) for folder in parent.folders] if layout == "group/class" else []
        left_out += [each for found in inner for each in beside_classes(found)]
        paths = [path for found in inner for path in found.folders] if layout == "group/class" else parent.folders
        folders += [ClassFolder(path, split, normalise_name(_name(path))) for path in paths]
    return folders, left_out


def folder_group(path: str, layout: Layout, in_split: bool) -> str | None:
    """The group that a photo's folders name; None where they name none.

    Example:
        >>> folder_group("anna/left/1.jpg", "group/class", in_split=False)
        'anna'
        >>> folder_group("train/left/anna/1.jpg", "class/group", in_split=True)
        'anna'
    """
    folders = path.split("/")[in_split:-1]
    names = {"class": [], "class/group": folders[1:2], "group/class": folders[:1]}[layout]
    return normalise_name(names[0]) if names else None


def find_layout(root: Path, folders: list[str]) -> Layout | None:
    """Find out what folders name, where that is certain.

    If most folders hold the same two folders or more, and no photos beside them, then either may be
    the classes: people with a folder for each class, or classes with a folder for each person.

    Returns:
        None where either is possible, unless one of them has names such as ``person03``.
    """
    inner = _common_folders(root, folders)
    if len(folders) < 2 or len(inner) < 2:
        return "class"
    outer_numbered, inner_numbered = _numbered(map(_name, folders)), _numbered(inner)
    if outer_numbered == inner_numbered:
        return None
    return "group/class" if outer_numbered else "class/group"


def _common_folders(root: Path, folders: list[str]) -> list[str]:
    """Names of the folders that over half of the folders hold."""
    names = Counter(normalise_name(name) for folder in folders for name in folders_alone(root, folder))
    return [name for name, n in names.items() if 2 * n > len(folders)]


def _numbered(names: Iterable[str]) -> bool:
    return all(_NUMBERED_GROUP.fullmatch(name) for name in names)


def _name(path: str) -> str:
    return path.rpartition("/")[2]
