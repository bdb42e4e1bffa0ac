"""Parquet tables, by pyarrow where it is installed."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

TEXTS, SWITCHES = ("path", "label", "heat_map", "error"), ("sure", "familiar")
"""Columns of texts, and of truth values; all others are numbers."""
GROUP_ROWS = 50_000
"""Rows in memory at once, which are written together."""


def write_parquet(rows: Iterator[dict[str, Any]], columns: list[str], path: Path) -> None:
    """Write a table of predictions, of which a part is in memory at once."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = pa.schema([(column, _type_of(column, pa)) for column in columns])
    with parquet.ParquetWriter(path, schema) as writer:
        while group := list(islice(rows, GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist([{name: _valid(row[name]) for name in columns} for row in group], schema))


def join_parquet(parts: Sequence[Path], path: Path) -> None:
    """Write the rows of several tables of the same columns into one, the first table's first."""
    from pyarrow import parquet

    with parquet.ParquetWriter(path, parquet.ParquetFile(parts[0]).schema_arrow) as writer:
        for part in parts:
            with parquet.ParquetFile(part) as file:
                for batch in file.iter_batches(GROUP_ROWS):
                    writer.write_batch(batch)


def _type_of(column: str, pa: Any) -> Any:
    return pa.string() if column in TEXTS else pa.bool_() if column in SWITCHES else pa.float64()


def _valid(cell: Any) -> Any:
    """A cell with a mark in place of bytes that are no UTF-8, which a name may have."""
    return cell.encode(errors="surrogateescape").decode(errors="replace") if isinstance(cell, str) else cell
