"""Paths as users write them: with ``~``, with variables, and as patterns."""

import glob
import os
from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.library_folders import stand_in_for_home


def expand_path(text: str) -> str:
    """Put the home folder in place of ``~``, and values in place of ``$NAME``, as a shell does.

    What exists under that very name stays as it is, and what lies below it: a folder may be called
    ``~`` or ``$x``. So does a variable that is not set.

    Raises:
        UserError: The path is below the home folder, and the user has none.

    Example:
        >>> os.environ["PHOTOS"] = "/data/photos"
        >>> expand_path("$PHOTOS/left"), expand_path("photos/left")
        ('/data/photos/left', 'photos/left')
    """
    path = Path(text)
    named = [folder for folder in (path, *path.parents) if folder.name.startswith("~") or "$" in folder.name]
    if any(map(os.path.lexists, named)):
        return text
    expanded = os.path.expanduser(os.path.expandvars(text))
    if Path(expanded).parts[:1] == ("~",) or (expanded != text and Path(expanded).is_relative_to(stand_in_for_home())):
        raise UserError(f"{text} is below the home folder, and this user has none; write the path in full, or set HOME")
    return expanded


def matching_paths(pattern: str) -> list[Path]:
    """List the files and folders that a pattern matches, in order.

    What exists is no pattern: a folder may be called ``set [a]``.

    Args:
        pattern: A path, or a pattern such as ``photos/**/*.jpg``, whose first folders are taken as
            they are where they exist.

    Example:
        >>> [path.name for path in matching_paths("photos/*")]
        ['left', 'right']
    """
    path = Path(pattern)
    known = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    if known == path:
        return [path]
    return [known / found for found in sorted(glob.glob(str(path.relative_to(known)), root_dir=known, recursive=True))]
