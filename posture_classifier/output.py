"""Tables, and files that tools write for the user: refused early, never overwritten unasked."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from posture_classifier.errors import UserError

TABLES = (".csv", ".jsonl")
PICTURES = (".png", ".svg", ".pdf")


def check_output(option: str, output: Path | None, suffixes: Sequence[str], overwrite: bool) -> None:
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


def write_rows(rows: list[dict[str, Any]], columns: list[str], output: Path) -> None:
    """Write a table as .csv or .jsonl; what is None is an empty cell or null."""
    # The bytes of a name that is no UTF-8 are written as they are.
    with output.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        if output.suffix == ".jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def shown(text: str) -> str:
    """What names a file, as a terminal or a page can show it: without bytes that are no UTF-8, or that would command a terminal."""
    readable = text.encode(errors="surrogateescape").decode(errors="replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", readable)
