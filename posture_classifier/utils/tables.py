"""Tables as .csv or .jsonl files."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.stop import Cause, Will


def write_rows(rows: Iterable[dict[str, Any]], columns: list[str], output: Path) -> None:
    """Write a table as .csv or .jsonl; what is None is an empty cell or null."""
    # The bytes of a name that is no UTF-8 are written as they are.
    with output.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        if output.suffix == ".jsonl":
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        else:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def rows_so_far(rows: list[dict[str, Any]], columns: list[str], output: Path | None, of: str) -> Will:
    """What to do when the program is stopped: write the rows that there are, in a whole file.

    Args:
        rows: A list that grows.
        columns: Columns of the table.
        output: The file; None writes nothing.
        of: What all rows would be, such as ``100 photos``.
    """

    def write(_: Cause) -> str | None:
        if output is None or not rows:
            return f"{len(rows)} of {of} were done"
        done = list(rows)
        with atomic_write(output) as temporary:
            write_rows(done, columns, temporary)
        return f"{len(done)} of {of} are in {output}; for all, the same command with --overwrite true"

    return write


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
