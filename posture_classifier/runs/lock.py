"""A lock on a folder, so that two processes never train in it at the same time."""

from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

LOCK = ".lock"


def try_lock(folder: Path) -> BaseFileLock | None:
    """Lock a folder until the lock is released, or its process ends in whatever way.

    Returns:
        The lock; None if another process holds it.
    """
    lock = FileLock(folder / LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock
