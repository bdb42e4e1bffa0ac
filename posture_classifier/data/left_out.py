"""What of a folder is not taken: files and folders by reason, counted and put into words."""

import os
from collections import Counter
from collections.abc import Iterable
from typing import Literal, NamedTuple

from posture_classifier.utils.text import plural, printable, shortlist

Reason = Literal["other_files", "outside_classes", "hidden_files", "system_folders", "linked_again", "excluded", "removed"]
LeftOutCounts = Counter[tuple[Reason, str]]
"""Number of files by the reason and name of ``LeftOut``."""
KNOWN_AS = {".dcm": "DICOM", ".dicom": "DICOM"}
"""What pictures of medical devices are, whose suffix few know."""
SHOWN = 4
"""Most suffixes or folders that are told apart."""


class LeftOut(NamedTuple):
    """A file or a folder that is not taken.

    Attributes:
        path: Its path, relative to the folder that was looked into.
        reason: Why it is not taken.
        name: Name of a folder by which its files are counted, or a file's suffix, where it says
            more than the reason alone.
        files: Number of files; of a folder, of those that are named like a photo.
    """

    path: str
    reason: Reason
    name: str = ""
    files: int = 1


def other_file(path: str) -> LeftOut:
    """A file that is no photo, counted by its suffix."""
    return LeftOut(path, "other_files", os.path.splitext(path)[1].lower())


def count_left_out(left_out: Iterable[LeftOut]) -> LeftOutCounts:
    """Add up what is left out."""
    counts: LeftOutCounts = Counter()
    for each in left_out:
        counts[each.reason, each.name] += each.files
    return counts


def describe_left_out(counts: LeftOutCounts) -> str:
    """Say what is left out; empty if nothing is.

    Example:
        >>> counts = Counter({("other_files", ".txt"): 8, ("system_folders", "@eaDir"): 288})
        >>> describe_left_out(counts)
        '8 files of other kinds (8 .txt), 288 in @eaDir'
    """
    suffixes, single, folders = Counter[str](), Counter[str](), Counter[str]()
    for (reason, name), n in counts.items():
        if reason == "other_files":
            suffixes[name] += n
        elif name:
            folders[name] += n
        else:
            single[reason] += n
    parts = []
    if n := suffixes.total():
        parts.append(f"{plural(n, 'file of another kind', 'files of other kinds')} ({describe_suffixes(suffixes)})")
    if n := single["outside_classes"]:
        parts.append(f"{n} loose beside the class folders")
    if n := single["hidden_files"]:
        parts.append(plural(n, "hidden file"))
    if folders:
        parts.append(describe_folders(folders))
    if n := single["linked_again"]:
        parts.append(plural(n, "link to a folder that was counted already", "links to folders that were counted already"))
    if n := single["excluded"]:
        parts.append(f"{n} by data.exclude")
    if n := single["removed"]:
        parts.append(f"{n} by data.fixes")
    return ", ".join(parts)


def describe_suffixes(suffixes: Counter[str]) -> str:
    """Number of files by suffix, the most frequent first.

    Example:
        >>> describe_suffixes(Counter({".mp4": 4, ".txt": 8, ". Bob, 2 p.m": 1, ".dcm": 2}))
        '8 .txt, 4 .mp4, 2 .dcm (DICOM), 1 of another name'
    """
    told: Counter[str] = Counter()
    for suffix, n in suffixes.items():
        known = f"{suffix} ({KNOWN_AS[suffix]})" if suffix in KNOWN_AS else suffix
        told[known if suffix[1:].isalnum() and len(suffix) <= 8 else "of another name"] += n
    return shortlist([f"{n} {suffix}" for suffix, n in told.most_common()], SHOWN)


def describe_folders(folders: Counter[str]) -> str:
    """Number of files by the name of the folder that they are in, the most frequent first.

    Example:
        >>> describe_folders(Counter({"#recycle": 2, "@eaDir": 288}))
        '288 in @eaDir, 2 in #recycle'
    """
    return shortlist([f"{n} in {printable(name)}" for name, n in folders.most_common()], SHOWN)
