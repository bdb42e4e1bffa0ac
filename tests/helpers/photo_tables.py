"""Tables that list drawn photos."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

COLUMNS = ("path", "label", "group")


def rows_of(root: Path, prefix: str = "") -> list[tuple[str, ...]]:
    """Path, class and person of ``<class>/<person>_<n>.png``, with something before each path."""
    files = sorted(root.rglob("*.png"))
    return [(f"{prefix}{file.relative_to(root).as_posix()}", file.parent.name, file.name.partition("_")[0]) for file in files]


def write_table(path: Path, rows: Iterable[Sequence[object]], columns: Sequence[str] = COLUMNS, separator: str = ",") -> Path:
    """Write a ``.csv`` or a ``.parquet`` file."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        from pyarrow import parquet

        parquet.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows]), path)
    else:
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=separator).writerows([columns, *rows])
    return path
