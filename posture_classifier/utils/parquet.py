"""Reads Parquet tables as texts, by pyarrow where it is installed."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import repeat
from pathlib import Path

from posture_classifier.utils.errors import UserError

SUFFIX = ".parquet"
BATCH_ROWS = 50_000
"""Rows in memory at once."""


def require_pyarrow(instead: str) -> None:
    """Check that Parquet can be read and written, or say what else the user can do ``instead``.

    Raises:
        UserError: It cannot, and which command changes that.
    """
    if find_spec("pyarrow") is None:
        raise UserError(f"Parquet takes one more package: pip install pyarrow; or {instead}")


def parquet_columns(path: Path) -> list[str]:
    """Names of a table's columns.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no Parquet table.
    """
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        names: list[str] = file.schema_arrow.names
        return names


def iterate_parquet(path: Path, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Read the cells of some columns row by row, as texts.

    Args:
        path: The file.
        columns: Columns in the order in which their cells are wanted; one that the table does not
            have is empty, and so is a cell that is null.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no Parquet table, or cells of a column cannot be written as text.
    """
    import pyarrow as pa
    from pyarrow import parquet

    there = [column for column in columns if column in parquet_columns(path)]
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=there):
            texts = {name: batch.column(name).cast(pa.string()).fill_null("").to_pylist() for name in there}
            yield from zip(*(texts.get(column, repeat("")) for column in columns), strict=False)
