"""Output files: checked before the work begins, and written whole or not at all."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from posture_classifier.utils.errors import UserError

TABLE_SUFFIXES = (".csv", ".jsonl")
PICTURE_SUFFIXES = (".png", ".svg", ".pdf")


def check_output_file(option: str, output: Path | None, suffixes: Sequence[str], overwrite: bool) -> None:
    """Check, before the work rather than after it, that a file can be written, if one is wanted.

    Raises:
        UserError: The file has another ending, exists, or has no folder.
    """
    if output is None:
        return
    if output.suffix not in suffixes:
        *others, last = suffixes
        choice = f"{', '.join(others)} or {last}" if others else last
        raise UserError(f"{option} {output} must end in {choice}")
    if output.exists() and not overwrite:
        raise UserError(f"{option} {output} exists; choose another name, or add --overwrite true")
    if output.is_dir() or not output.parent.is_dir():
        raise UserError(f"{option} {output} must be a file in a folder that exists; make {output.parent} first")
    existed = output.exists()
    output.open("a").close()  # raises where the folder is closed
    if not existed:
        output.unlink()  # what fails later should not leave an empty file in its own way


def check_output_folder(option: str, folder: Path | None, overwrite: bool) -> None:
    """Check, before the work rather than after it, that a folder can be made, if one is wanted.

    Raises:
        UserError: The folder exists, is a file, or has no folder to be made in.
    """
    if folder is None:
        return
    if folder.exists() and not overwrite:
        raise UserError(f"{option} {folder} exists; choose another name, or add --overwrite true")
    if folder.is_file() or not folder.absolute().parent.is_dir():
        raise UserError(f"{option} {folder} must be a folder in one that exists; make {folder.parent} first")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    What is written goes to a temporary file beside it, which takes its place when all of it is on
    the disk: a kill or a full disk leaves the old file as it was.

    Args:
        path: The file; it may be there already.

    Example:
        >>> with atomic_write(Path("table.csv")) as temporary:
        ...     n_letters = temporary.write_text("path,label")
        >>> Path("table.csv").read_text()
        'path,label'
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file for people to read, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(f"{json.dumps(content, indent=2, ensure_ascii=False)}\n", encoding="utf-8")


def is_temporary(path: Path) -> bool:
    """Whether a file is what ``atomic_write`` was writing, perhaps until its process was killed.

    Example:
        >>> is_temporary(Path(".4711.last.ckpt")), is_temporary(Path("last.ckpt"))
        (True, False)
    """
    return re.fullmatch(r"\.\d+\..+", path.name) is not None
