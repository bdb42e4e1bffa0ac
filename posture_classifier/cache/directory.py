"""Everything that can be computed again: where it lies, what it depends on, and how much room it may take."""

import os
import re
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

STORE_NAME = re.compile(r"[0-9a-f]{32}(\.kept)?|\.[0-9a-f]{32}(\.kept)?\.\d+")
"""A store's name, and what it is called while a process makes it."""
ABANDONED_AFTER = 3600
"""Seconds after which a store that is still being made was left by a process that was killed."""


def cache_directory() -> Path:
    """``$XDG_CACHE_HOME/posture_classifier``, or else below ``~/.cache``; not made here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posture_classifier"


def make_room(path: Path, size: float, limit: float, used: Collection[Path]) -> bool:
    """Remove stores that earlier runs left in a folder, the oldest first, until another fits.

    Args:
        path: Of the new one. Its folder may hold other files too, which stay and do not count.
        size: Bytes that it takes.
        limit: Bytes of all together.
        used: Others that stay.

    Returns:
        Whether it fits; if it never could, nothing is removed.
    """
    own = (path.name, f".{path.name}.")  # and what another process that makes it too calls it meanwhile
    others = {other: status for other, status in _stores(path.parent).items() if not other.name.startswith(own)}
    room = limit - size - sum(status.st_size for status in others.values())
    made_now = {
        other for other, status in others.items() if other.name.startswith(".") and status.st_mtime > time.time() - ABANDONED_AFTER
    }
    old = {other: others[other] for other in others.keys() - made_now - set(used)}
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
    """Remove a file if it is there; whether it is gone."""
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # Windows keeps a file that is mapped; a later run removes it
        return False
    return True
