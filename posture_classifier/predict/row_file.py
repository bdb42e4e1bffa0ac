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
from posture_classifier.predict.manifest import Finished, Manifest, check_same, manifest_path, read_manifest, write_manifest
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.parquet import SUFFIX
from posture_classifier.utils.tables import header, read_record, record

SUFFIXES = (".csv", ".jsonl", SUFFIX)
PART = ".part"
"""Ends the name of a table that is not finished."""
LONGEST_RECORD = 2**20
"""Bytes that no row has; what goes on without an end is damaged."""


class RowFile:
    """A table on its way: rows go to ``<output>.part``, which becomes the output at the end.

    Each row is given to the system as it comes, so that a killed process loses at most the one that
    it was writing. The part of a Parquet table, whose index comes last, is in JSON lines.

    Args:
        output: The table.
        manifest: What it is of.
        overwrite: Whether what was begun for other photos, network or options may go.

    Attributes:
        resumed: Whether there was a part to go on with; then ``rows_before`` comes first.

    Raises:
        UserError: Something else was begun for this output, or another process writes it.
    """

    def __init__(self, output: Path, manifest: Manifest, overwrite: bool) -> None:
        self.output, self.part = output, part_of(output)
        self._manifest, self._columns, self._ascii = manifest, manifest["columns"], True
        self._suffix = ".jsonl" if output.suffix == SUFFIX else output.suffix
        self._head = b"" if self._suffix == ".jsonl" else _encoded(header(self._columns))
        self._lock = FileLock(output.with_name(f".{output.name}.lock"), blocking=False)
        try:
            self._lock.acquire()
        except Timeout as error:
            raise UserError(f"another process writes {self.part}; wait for it, or choose another --output") from error
        try:
            self.resumed = self.part.exists() and self._may_resume(overwrite)
            if not self.resumed:
                write_manifest(manifest, self.part)
            self._file = self.part.open("r+b" if self.resumed else "wb", buffering=0)
        except BaseException:
            self._unlock()
            raise
        if not self.resumed:
            self._file.write(self._head)

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        self._unlock()

    def _unlock(self) -> None:
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _may_resume(self, overwrite: bool) -> bool:
        try:
            check_same(read_manifest(self.part), self._manifest, self.output)
        except UserError:
            if not overwrite:
                raise
            return False
        return True

    def rows_before(self) -> Iterator[dict[str, Any]]:
        """The rows that are there; at their end what follows the last whole one is cut off."""
        end = 0
        with self.part.open("rb") as file:
            if file.read(len(self._head)) == self._head:
                end = len(self._head)
                for text in _records(file, self._suffix):
                    try:
                        row = read_record(text, self._columns, self._suffix)
                    except ValueError:
                        break
                    self._ascii &= text.isascii()
                    end += len(_encoded(text))
                    yield row
        self._file.truncate(end)
        self._file.seek(end)
        if not end:
            self._file.write(self._head)

    def append(self, row: dict[str, Any]) -> None:
        """Write a row."""
        text = record(row, self._columns, self._suffix)
        self._ascii &= text.isascii()
        self._file.write(_encoded(text))

    def finish(self, rows: int, unreadable: int, listed: int, list_digest: str) -> None:
        """Make the part the output, which replaces one that is there; what is known is noted.

        Args:
            rows: Photos of the table.
            unreadable: Those that could not be read.
            listed: Photos of all shards.
            list_digest: Digest of their paths.
        """

        def note(table: Path) -> None:
            size = table.stat().st_size
            known = Finished(rows=rows, unreadable=unreadable, listed=listed, list_digest=list_digest, bytes=size)
            write_manifest({**self._manifest, "finished": known}, self.output)

        os.fsync(self._file.fileno())
        # As utils/tables says, a .csv table begins with a mark if it is not all ASCII.
        marked = self._suffix == ".csv" and not (self._ascii and self._head.isascii())
        if marked or self.output.suffix == SUFFIX:
            with atomic_write(self.output) as temporary:
                if marked:
                    _copy_with_mark(self.part, temporary)
                else:
                    parquet.write_parquet(self._all_rows(), self._columns, temporary)
                note(temporary)
            self.part.unlink()
        else:
            note(self.part)
            os.replace(self.part, self.output)
        manifest_path(self.part).unlink(missing_ok=True)

    def _all_rows(self) -> Iterator[dict[str, Any]]:
        with self.part.open("rb") as file:
            for text in _records(file, self._suffix):
                yield read_record(text, self._columns, self._suffix)


def part_of(output: Path) -> Path:
    """The table on its way."""
    return output.with_name(output.name + PART)


def _records(file: BinaryIO, suffix: str) -> Iterator[str]:
    """The lines of a table, of which a cell in quotes may hold several; the last may be torn."""
    text = b""
    while len(text) < LONGEST_RECORD and (line := file.readline(LONGEST_RECORD)):
        text += line
        if suffix == ".jsonl" or text.count(b'"') % 2 == 0:
            yield text.decode(errors="surrogateescape")
            text = b""


def _copy_with_mark(part: Path, table: Path) -> None:
    with part.open("rb") as source, table.open("wb") as target:
        target.write(codecs.BOM_UTF8)
        shutil.copyfileobj(source, target)


def _encoded(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
