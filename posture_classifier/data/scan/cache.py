"""Cache of facts and features by the photos' content, for the next scan."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.cache.directory import cache_directory
from posture_classifier.cache.fingerprint import code_version
from posture_classifier.data.scan.similarity import Features
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import SKETCH_SIZE, Facts

FILE_NAME = "check.db"
SIZE_LIMIT = 1e9
"""Bytes from which the file is begun anew; some 80,000 photos."""
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_ERROR)
"""What SQLite says of a file of which bytes have changed; the last where it is the names in it."""
MODULES = (
    "data/scan/cache",
    "data/scan/features",
    "images/decode",
    "images/depth",
    "images/digest",
    "images/exif",
    "images/facts",
    "images/preprocessing",
    "images/square",
    "images/strips",
    "models/all_stages_head",
)
PACKAGES = ("numpy", "pillow", "pillow-heif", "timm", "torch")
"""The versions of these packages and the code of these modules decide what is cached."""


class PhotoFeatures(NamedTuple):
    """Features of one photo, by the frozen network.

    Attributes:
        last: (D,) float32 of unit length, the usual ones after the last stage.
        stages: (S,) the maps of the earlier stages on a grid of 3 x 3, each stage with mean 0 and
            variance 1.
    """

    last: Features
    stages: npt.NDArray[np.float16]


class ScanCache:
    """Facts and features by the digest of a file's bytes, in a database below the cache folder.

    Entries of another version of this program, or of the packages it computes with, are removed.
    Where the folder cannot be written to or the disk is full, nothing is cached. Every row has a
    checksum, so that what changed on the disk counts as not cached, and is computed again; a file
    that SQLite finds damaged is removed.

    Args:
        white: The values that are white in photos of more than 8 bits, which are cached for each
            choice of them.
    """

    def __init__(self, white: WhiteLevels) -> None:
        self._white = str(list(white))
        self._table = f"scan_{code_version(MODULES, PACKAGES)}"
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None
        self._file = cache_directory() / FILE_NAME
        self._damaged = False

    def __enter__(self) -> "ScanCache":
        with suppress(OSError, sqlite3.Error):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if self._file.exists() and self._file.stat().st_size > SIZE_LIMIT:
                self._file.unlink()
            with self._noting_damage():
                self._database = self._open(self._file)
            if self._damaged:
                self._file.unlink()
                self._damaged = False
                self._database = self._open(self._file)
        return self

    @contextmanager
    def _noting_damage(self) -> Iterator[None]:
        """Suppress what SQLite says of a file that is locked, of a full disk, and of damage."""
        try:
            yield
        except sqlite3.Error as error:
            self._damaged |= getattr(error, "sqlite_errorcode", None) in DAMAGED
        except UnicodeDecodeError:  # the message quotes the bytes that have changed
            self._damaged = True

    def _open(self, file: Path) -> sqlite3.Connection:
        database = sqlite3.connect(file, check_same_thread=False)
        blobs = "sketch BLOB, features BLOB, stages BLOB"
        columns = f"digest INTEGER, white TEXT, facts TEXT, {blobs}, checksum INTEGER, PRIMARY KEY (digest, white)"
        with database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if name != self._table:
                    quoted = name.replace('"', '""')
                    database.execute(f'DROP TABLE "{quoted}"')
            database.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns})")
        return database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._database is not None:
            self._database.close()
        if self._damaged:
            with suppress(OSError):
                self._file.unlink()

    def get(self, identity: Facts) -> tuple[Facts, PhotoFeatures] | None:
        """Return what is cached of the file with this digest; any thread may call it."""
        if identity.error is not None or (row := self._row(identity.digest)) is None:
            return None
        values, sketch, last, stages = row
        details: dict[str, Any] = json.loads(values)
        details["corners"] = tuple(details["corners"])
        pixels = np.frombuffer(sketch, dtype=np.uint8).reshape(SKETCH_SIZE, SKETCH_SIZE)
        features = PhotoFeatures(np.frombuffer(last, dtype=np.float32), np.frombuffer(stages, dtype=np.float16))
        return Facts(**details, sketch=pixels), features

    def _row(self, digest: int) -> tuple[str, bytes, bytes, bytes] | None:
        if self._database is None:
            return None
        with self._lock, self._noting_damage():
            query = (
                f"SELECT white, facts, sketch, features, stages, checksum FROM {self._table} WHERE digest = ? AND white IN ('', ?)"
            )
            white, *values, checksum = self._database.execute(query, (digest, self._white)).fetchone() or (None, None)
            return tuple(values) if checksum is not None and checksum == _checksum(digest, white, *values) else None
        return None

    def put(self, found: list[tuple[Facts, PhotoFeatures]]) -> None:
        """Cache facts and features of files that can be read."""
        if self._database is None:
            return
        values = [
            (
                fact.digest,
                self._white if fact.is_deep else "",
                _values(fact),
                _bytes(fact.sketch),
                _bytes(features.last),
                _bytes(features.stages),
            )
            for fact, features in found
        ]
        rows = [(*row, _checksum(*row)) for row in values]
        # Another process may be writing, or the disk may be full: then they are computed again.
        with self._lock, self._noting_damage(), self._database:
            self._database.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _checksum(*values: Any) -> int:
    return zlib.crc32(repr(values).encode())


def _values(fact: Facts) -> str:
    return json.dumps({name: value for name, value in asdict(fact).items() if name != "sketch"})


def _bytes(array: npt.NDArray[Any] | None) -> bytes:
    return b"" if array is None else np.ascontiguousarray(array).tobytes()
