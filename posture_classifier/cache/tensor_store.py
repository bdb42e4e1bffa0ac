"""Rows of numbers in a file that is mapped into memory: what is computed once and read many times."""

import errno
import os
import shutil
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Rows = npt.NDArray[np.int64]
PAGE, SUM = 4096, 4
"""Bytes of a page and of a checksum."""


class TensorStore:
    """``n`` tensors of one shape and type in a file, each with a checksum once it is written.

    Several processes may map one file: all write the same values, and a row counts only where its checksum is there and is true.
    What a process was killed over, or what a machine that lost its power has half on its disk, is a row that was not written.

    Args:
        path: The file; made, with no row written, if it is not there.
        n: Number of rows.
        shape: Shape of a row.
        dtype: Type of its numbers.

    Raises:
        OSError: The disk has no room for the whole file, or the folder cannot be written to.
    """

    identity: int
    """The same for two stores, in whichever process, that map one file."""

    def __init__(self, path: Path, n: int, shape: Sequence[int], dtype: torch.dtype) -> None:
        self.path, self.n, self.shape, self.dtype = path, n, tuple(shape), dtype
        if not path.exists():
            _allocate(path, file_size(n, self.shape, dtype))
        self._map()

    def _map(self) -> None:
        with self.path.open("r+b") as file:
            self.identity = os.fstat(file.fileno()).st_ino
            content = np.memmap(file, dtype=np.uint8, mode="r+")
        self._sums = content[: self.n * SUM].view(np.uint32)
        self._rows: Tensor | None = torch.from_numpy(content[_sums_size(self.n) :]).view(self.n, -1)
        self._trusted = np.zeros(self.n, dtype=np.bool_)  # those whose checksum this process knows to be true

    def __getstate__(self) -> dict[str, Any]:
        """For DataLoader workers: they map the file themselves."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        try:
            self._map()
        except FileNotFoundError:  # another run has removed it, so this process has nothing, and keeps nothing
            self._rows, self._trusted = None, np.zeros(self.n, dtype=np.bool_)

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(B,) whether each row was written."""
        if self._rows is not None:
            for row in rows[~self._trusted[rows] & (self._sums[rows] != 0)].tolist():
                self._trusted[row] = self._sums[row] == _checksum(self._rows[row])
        return self._trusted[rows]

    def read(self, rows: Rows) -> Tensor:
        """(B, *shape) of rows that it has."""
        assert self._rows is not None
        return self._rows[torch.from_numpy(rows)].view(self.dtype).view(-1, *self.shape)

    def write(self, rows: Rows, values: Tensor) -> None:
        """Keep (B, *shape), then their checksums."""
        if self._rows is None:
            return
        numbers = values.to("cpu", self.dtype).contiguous().view(torch.uint8).view(len(rows), -1)
        self._rows[torch.from_numpy(rows)] = numbers
        self._sums[rows] = [_checksum(row) for row in numbers]
        self._trusted[rows] = True


def _checksum(row: Tensor) -> int:
    return zlib.crc32(row.numpy().data) or 1  # 0 is no checksum


def file_size(n: int, shape: Sequence[int], dtype: torch.dtype) -> int:
    """Bytes on the disk of a store."""
    return _sums_size(n) + n * int(np.prod(shape)) * dtype.itemsize


def _sums_size(n: int) -> int:
    return -(-n * SUM // PAGE) * PAGE  # rows begin on a page of their own


def _allocate(path: Path, size: int) -> None:
    """Take the room now: a mapped file that the disk has no room for kills the process that writes to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
        with suppress(FileExistsError):  # another process was quicker; its file stays, with what it has written
            _put(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, path: Path) -> None:
    """Give a file its name, unless another has it."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as exFAT
        if not path.exists():
            temporary.rename(path)
