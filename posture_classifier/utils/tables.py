"""Tables as .csv or .jsonl files."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


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


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table; none where there is no such file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
