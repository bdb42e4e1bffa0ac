"""Everything that can be computed again: where it lies, what it depends on, and how much room it may take."""

import hashlib
import os
import re
from collections.abc import Collection
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

STORE = re.compile(r"[0-9a-f]{32}(\.kept)?|\.[0-9a-f]{32}(\.kept)?\.\d+")
"""A store's name, and what it is called while a process makes it."""


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/posture_classifier``, or else below ``~/.cache``; not made here."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "posture_classifier"


@cache
def made_by(modules: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """A name for what decides what these modules compute: their code, and the versions of these packages.

    Args:
        modules: Such as ``data/decode``, or ``backbones/*`` for all that are there.
        packages: As pip calls them.
    """
    package = Path(__file__).parent
    code = [path.read_bytes() for module in modules for path in sorted(package.glob(f"{module}.py"))]
    versions = [f"{name} {version(name)}".encode() for name in packages]
    return hashlib.blake2b(b"".join([*code, *versions]), digest_size=16).hexdigest()


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
    others = {other: status for other, status in _stores(path.parent).items() if other != path}
    room = limit - size - sum(status.st_size for status in others.values())
    old = sorted(((status.st_mtime, status.st_size, other) for other, status in others.items() if other not in used))
    if room + sum(bytes_there for _, bytes_there, _ in old) < 0:
        return False
    for _, bytes_there, other in old:
        if room < 0:
            room += bytes_there
            remove(other)
    return True


def _stores(folder: Path) -> dict[Path, os.stat_result]:
    found: dict[Path, os.stat_result] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):  # another process has just removed it
            if STORE.fullmatch(path.name) and path.is_file():
                found[path] = path.stat()
    return found


def remove(path: Path) -> None:
    """Remove a file if it is there."""
    with suppress(PermissionError):  # Windows keeps a file that is mapped; a later run removes it
        path.unlink(missing_ok=True)
