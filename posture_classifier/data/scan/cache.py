"""Cache of facts and features by the photos' content, for the next scan."""

import json
import sqlite3
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.cache.directory import cache_directory
from posture_classifier.cache.fingerprint import code_version
from posture_classifier.data.scan.similarity import Features
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import SKETCH_SIZE, Facts

FILE_NAME = "check.db"
SIZE_LIMIT = 1e9
"""Bytes from which the file is begun anew; some 100,000 photos."""
MODULES = (
    "data/scan/features",
    "images/decode",
    "images/deep_colour",
    "images/depth",
    "images/digest",
    "images/exif",
    "images/facts",
    "images/preprocessing",
    "images/strips",
)
PACKAGES = ("numpy", "pillow", "pillow-heif", "timm", "torch")
"""The versions of these packages and the code of these modules decide what is cached."""


class ScanCache:
    """Facts and features by the digest of a file's bytes, in a database below the cache folder.

    Entries of another version of this program, or of the packages it computes with, are removed.
    Where the folder cannot be written to or the disk is full, nothing is cached.

    Args:
        white: The values that are white in photos of more than 8 bits, which are cached for each
            choice of them.
    """

    def __init__(self, white: WhiteLevels) -> None:
        self._white = str(list(white))
        self._table = f"scan_{code_version(MODULES, PACKAGES)}"
        self._lock = Lock()
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> "ScanCache":
        file = cache_directory() / FILE_NAME
        with suppress(OSError, sqlite3.OperationalError):
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists() and file.stat().st_size > SIZE_LIMIT:
                file.unlink()
            try:
                self._database = self._open(file)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise  # locked, or the disk is full
                file.unlink()  # damaged
                self._database = self._open(file)
        return self

    def _open(self, file: Path) -> sqlite3.Connection:
        database = sqlite3.connect(file, check_same_thread=False)
        columns = "digest INTEGER, white TEXT, facts TEXT, sketch BLOB, features BLOB, PRIMARY KEY (digest, white)"
        with database:
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                if name != self._table:
                    database.execute(f"DROP TABLE {name}")
            database.execute(f"CREATE TABLE IF NOT EXISTS {self._table} ({columns})")
        return database

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._database is not None:
            self._database.close()

    def get(self, identity: Facts) -> tuple[Facts, Features] | None:
        """Return what is cached of the file with this digest; any thread may call it."""
        if identity.error is not None or (row := self._row(identity.digest)) is None:
            return None
        values, sketch, features = row
        details: dict[str, Any] = json.loads(values)
        details["corners"] = tuple(details["corners"])
        pixels = np.frombuffer(sketch, dtype=np.uint8).reshape(SKETCH_SIZE, SKETCH_SIZE)
        return Facts(**details, sketch=pixels), np.frombuffer(features, dtype=np.float32)

    def _row(self, digest: int) -> tuple[str, bytes, bytes] | None:
        if self._database is None:
            return None
        with self._lock, suppress(sqlite3.Error):
            query = f"SELECT facts, sketch, features FROM {self._table} WHERE digest = ? AND white IN ('', ?)"
            row: tuple[str, bytes, bytes] | None = self._database.execute(query, (digest, self._white)).fetchone()
            return row
        return None

    def put(self, found: list[tuple[Facts, Features]]) -> None:
        """Cache facts and features of files that can be read."""
        if self._database is None:
            return
        rows = [
            (fact.digest, self._white if fact.is_deep else "", _values(fact), _bytes(fact.sketch), _bytes(features))
            for fact, features in found
        ]
        # Another process may be writing, or the disk may be full: then they are computed again.
        with self._lock, suppress(sqlite3.Error), self._database:
            self._database.executemany(f"INSERT OR REPLACE INTO {self._table} VALUES (?, ?, ?, ?, ?)", rows)


def _values(fact: Facts) -> str:
    return json.dumps({name: value for name, value in asdict(fact).items() if name != "sketch"})


def _bytes(array: npt.NDArray[Any] | None) -> bytes:
    return b"" if array is None else np.ascontiguousarray(array).tobytes()
