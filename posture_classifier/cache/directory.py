"""The cache directory, and making room in it."""

import os
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from posture_classifier.utils.library_folders import ensure_library_folders

STORE_NAME = re.compile(r"[0-9a-f]{32}(\.kept)?|\.[0-9a-f]{32}(\.kept)?\.\d+")
"""Name of a tensor store, and its temporary name while a process makes it."""
ABANDONED_AFTER = 3600
"""Seconds after which an unfinished store counts as left by a process that was killed."""


def cache_directory() -> Path:
    """``posture_classifier`` in ``$XDG_CACHE_HOME`` or else ``~/.cache``; it may not exist.

    Without a home it is in a folder for temporary files.
    """
    ensure_library_folders()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posture_classifier"


def make_room(path: Path, size: float, limit: float, used: Collection[Path]) -> bool:
    """Remove stores that earlier runs left in a folder, the oldest first, until another fits.

    Args:
        path: Path of the new store. Other files in its folder stay and do not count.
        size: Size of the new store in bytes.
        limit: Most bytes that all stores may take together.
        used: Other stores that must stay.

    Returns:
        Whether the new store fits. If it cannot fit, nothing is removed.
    """
    own = (path.name, f".{path.name}.")  # the latter while another process makes the same store
    others = {other: status for other, status in _stores(path.parent).items() if not other.name.startswith(own)}
    room = limit - size - sum(status.st_size for status in others.values())
    recent = time.time() - ABANDONED_AFTER
    unfinished = {other for other, status in others.items() if other.name.startswith(".") and status.st_mtime > recent}
    old = {other: others[other] for other in others.keys() - unfinished - set(used)}
    if room + sum(status.st_size for status in old.values()) < 0:
        return False
    for other, status in sorted(old.items(), key=lambda item: item[1].st_mtime):
        if room < 0 and remove_file(other):
            room += status.st_size
    return room >= 0


def _stores(folder: Path) -> dict[Path, os.stat_result]:
    found: dict[Path, os.stat_result] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another process has just removed it
            if STORE_NAME.fullmatch(path.name) and path.is_file():
                found[path] = path.stat()
    return found


def remove_file(path: Path) -> bool:
    """Remove a file if it exists; returns whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # on Windows a mapped file cannot be removed; a later run removes it
        return False
    return True
