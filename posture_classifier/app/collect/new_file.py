"""Writes a file that was not there before, whole and on the disk, or not at all."""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import get_ident

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES, errno.EINVAL}
"""What file systems without hard links answer, such as that of most memory cards."""


def write_new_file(candidates: Iterable[Path], content: bytes) -> Path:
    """Write a file under the first of some names that is free, and overwrite nothing.

    The content is on the disk, under a name that marks it as unfinished, before it gets its own; so
    a kill leaves either all of it or nothing that counts as a photo.

    Args:
        candidates: Paths in one folder, in the order of preference; there must be enough of them.
        content: The file's bytes.

    Returns:
        The path that was free.

    Raises:
        OSError: The folder cannot be written to, or the disk is full.
    """
    for path in candidates:
        if os.path.lexists(path):
            continue
        temporary = path.with_name(f".{os.getpid()}{get_ident()}.{path.name}")
        try:
            _write(temporary, content)
            if _give_name(temporary, path, content):
                sync_folder(path.parent)
                return path
        finally:
            temporary.unlink(missing_ok=True)
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _give_name(temporary: Path, path: Path, content: bytes) -> bool:
    """Give a written file its name; False where another process has taken it just now."""
    try:
        os.link(temporary, path)  # unlike a renaming it replaces nothing
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        return _write_under_name(path, content)
    return True


def _write_under_name(path: Path, content: bytes) -> bool:
    try:
        with path.open("xb") as file:
            try:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Have a folder's list of names on the disk; Windows does so by itself and opens no folders."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
