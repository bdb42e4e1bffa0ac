"""Folders for what libraries cache, also where the user has no home that can be written to."""

import os
import stat
import tempfile
from pathlib import Path

from posture_classifier.utils.errors import UserError

FOLDERS = {"XDG_CACHE_HOME": ".cache", "XDG_CONFIG_HOME": ".config", "XDG_DATA_HOME": ".local/share"}
"""Folders in the home folder, by the variables that name others (XDG Base Directory
Specification)."""


def ensure_library_folders() -> None:
    """Name folders for temporary files where the home folder has no room for caches and settings.

    A container's user often has no home, or ``/``, which it cannot write to. Then wandb would lose
    charts, the Hugging Face hub weights, and matplotlib would complain. A folder that exists stays,
    even if it cannot be written to, since weights may lie there.

    Raises:
        UserError: No folder for temporary files can be written to either.
    """
    home = Path(os.path.expanduser("~"))  # stays "~" where it is not known
    if not (home.is_absolute() and home.is_dir()):
        os.environ["HOME"] = str(_make(stand_in_for_home()))
        return
    for variable, folder in FOLDERS.items():
        if not (os.environ.get(variable) or _can_be_made(home / folder)):
            os.environ[variable] = str(_make(stand_in_for_home()) / folder)


def stand_in_for_home() -> Path:
    """A folder of this user's own for temporary files, the same for all processes of a training."""
    user = os.getuid() if hasattr(os, "getuid") else "home"
    try:
        return Path(tempfile.gettempdir()) / f"posture_classifier-{user}"
    except OSError as error:
        raise UserError("no folder for temporary files can be written to; set HOME or TMPDIR to one that can") from error


def _make(folder: Path) -> Path:
    """Make a folder that only this user can read.

    Raises:
        UserError: Somebody else has made it, who could put files there.
    """
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
        raise UserError(f"{folder} belongs to someone else; set HOME or TMPDIR to a folder of your own")
    return folder


def _can_be_made(folder: Path) -> bool:
    """Whether a folder exists, or the first one above it that exists can be written to."""
    return folder.exists() or os.access(next(path for path in folder.parents if path.exists()), os.W_OK)
