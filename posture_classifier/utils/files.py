"""Tables, and files that tools write for the user: refused early, never overwritten unasked."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from posture_classifier.utils.errors import UserError

TABLE_SUFFIXES = (".csv", ".jsonl")
PICTURE_SUFFIXES = (".png", ".svg", ".pdf")


def check_output_file(option: str, output: Path | None, suffixes: Sequence[str], overwrite: bool) -> None:
    """Make sure, before the work rather than after it, that a file can be written.

    Args:
        option: The option that names it, such as ``--output``.
        output: The file; None is none.
        suffixes: How its name may end.
        overwrite: Whether it may exist.

    Raises:
        UserError: It ends in something else, exists, or has no folder.
    """
    if output is None:
        return
    if output.suffix not in suffixes:
        *others, last = suffixes
        raise UserError(f"{option} {output} must end in {' or '.join([', '.join(others), last] if others else [last])}")
    if output.exists() and not overwrite:
        raise UserError(f"{option} {output} exists; choose another name, or add --overwrite true")
    if output.is_dir() or not output.parent.is_dir():
        raise UserError(f"{option} {output} must be a file in a folder that exists; make {output.parent} first")
    existed = output.exists()
    output.open("a").close()  # raises where the folder is closed
    if not existed:
        output.unlink()  # what fails later should not leave an empty file in its own way


def check_output_folder(option: str, folder: Path | None, overwrite: bool) -> None:
    """Make sure, before the work, that a folder can be made.

    Args:
        option: The option that names it.
        folder: None is none.
        overwrite: Whether it may exist.

    Raises:
        UserError: It exists, is a file, or has no folder to be made in.
    """
    if folder is None:
        return
    if folder.exists() and not overwrite:
        raise UserError(f"{option} {folder} exists; choose another name, or add --overwrite true")
    if folder.is_file() or not folder.absolute().parent.is_dir():
        raise UserError(f"{option} {folder} must be a folder in one that exists; make {folder.parent} first")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary neighbour to write to, and put it in the place of a file when all of it is on the disk.

    So a kill or a full disk leaves the old file as it was.

    Args:
        path: The file; it may be there already.

    Example:
        >>> with atomic_write(Path("table.csv")) as temporary:
        ...     n_letters = temporary.write_text("path,label")
        >>> Path("table.csv").read_text()
        'path,label'
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
