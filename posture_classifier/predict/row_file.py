"""A table whose rows are on the disk as soon as they are known, and that a kill leaves usable."""

import codecs
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from posture_classifier.predict import parquet
from posture_classifier.predict.manifest import Finished, Manifest, check_same, read_manifest, write_manifest
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import header, read_record, record

SUFFIXES = (".csv", ".jsonl", parquet.SUFFIX)
PART = ".part"
"""Ends the name of a table that is not finished."""
LONGEST_RECORD = 2**20
"""Bytes that no row has; what goes on without an end is damaged."""


class RowFile:
    """A table on its way: rows go to ``<output>.part``, which becomes the output at the end.

    Each row is given to the system as it comes, so that a killed process loses at most the one that
    it was writing. The part of a Parquet table, whose format has its index at the end, is in JSON
    lines.

    Args:
        output: The table.
        manifest: What it is of.
        overwrite: Whether a table that was begun for other photos, network or options may go.

    Raises:
        UserError: Something else was begun for this output, or another process writes it.
    """

    def __init__(self, output: Path, manifest: Manifest, overwrite: bool) -> None:
        self.output, self.part = output, output.with_name(output.name + PART)
        self._manifest, self._columns = manifest, manifest["columns"]
        self._suffix = ".jsonl" if output.suffix == parquet.SUFFIX else output.suffix
        self._ascii = True
        self._lock = FileLock(output.with_name(f".{output.name}.lock"), blocking=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UserError(f"another process writes {self.part}; wait for it, or choose another --output") from error
        self.resumed = self.part.exists() and self._is_same(overwrite)
        if not self.resumed:
            self.part.unlink(missing_ok=True)
            write_manifest(manifest, output)
        self._file: BinaryIO = self.part.open("r+b" if self.resumed else "w+b", buffering=0)

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _is_same(self, overwrite: bool) -> bool:
        try:
            check_same(read_manifest(self.output), self._manifest, self.output)
        except UserError:
            if overwrite:
                return False
            raise
        return True

    def rows_before(self) -> Iterator[dict[str, Any]]:
        """The rows that are there already; what follows the last whole one is cut off at the end."""
        end = 0
        with self.part.open("rb") as file:
            if self._suffix == ".csv" and file.readline() == header(self._columns).encode():
                end = file.tell()
            if end or self._suffix == ".jsonl":
                for text, end in _records(file, self._suffix):  # noqa: B007 - used when they are at their end
                    try:
                        row = read_record(text, self._columns, self._suffix)
                    except ValueError:
                        break
                    self._ascii &= text.isascii()
                    yield row
                    kept = end
"""Filled in below."""
