"""Tensors in a memory-mapped file, which are computed once and read many times."""

import errno
import math
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
PAGE_BYTES = 4096
CHECKSUM_BYTES = 4


class TensorStore:
    """``n`` tensors (rows) of one shape and type in a file, each with a checksum once written.

    Several processes may map one file: all write the same values, and a row only counts as written
    if its checksum matches. So rows that a killed process or a power failure left half written, or
    that have changed on the disk between two runs, are computed again. A process looks once: what
    it has read or written itself is as safe as the rest of its memory. A file that does not exist
    is made, with no row written.

    Raises:
        OSError: The disk has no room for the whole file, or the folder cannot be written to.

    Example:
        >>> store = TensorStore(Path("features"), n=4, shape=(2,), dtype=torch.float32)
        >>> store.write(np.array([1]), torch.tensor([[0.5, 2.0]]))
        >>> store.has(np.arange(4)).tolist()
        [False, True, False, False]
        >>> store.read(np.array([1]))
        tensor([[0.5000, 2.0000]])
    """

    identity: int
    """Number of the file on its disk: equal for two stores, also of two processes, that map one
    file."""

    def __init__(self, path: Path, n: int, shape: Sequence[int], dtype: torch.dtype) -> None:
        self.path, self.n, self.shape, self.dtype = path, n, tuple(shape), dtype
        size = file_size(n, self.shape, dtype)
        if path.exists() and path.stat().st_size != size:
            path.unlink()  # damaged: its name stands for its content
        if not path.exists():
            _allocate(path, size)
        self._map()

    def _map(self) -> None:
        with self.path.open("r+b") as file:
            self.identity = os.fstat(file.fileno()).st_ino
            content = np.memmap(file, dtype=np.uint8, mode="r+")
        self._checksums = content[: self.n * CHECKSUM_BYTES].view(np.uint32)
        self._rows: Tensor | None = torch.from_numpy(content[_checksums_size(self.n) :]).view(self.n, -1)
        self._verified = np.zeros(self.n, dtype=np.bool_)  # rows whose checksum this process has verified

    def __getstate__(self) -> dict[str, Any]:
        """Pickle without the mapping: DataLoader workers map the file themselves."""
        return {key: value for key, value in vars(self).items() if not key.startswith("_")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        try:
            self._map()
        except FileNotFoundError:  # another run has removed it, so this process reads and writes nothing
            self._rows, self._verified = None, np.zeros(self.n, dtype=np.bool_)

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whether each of the given rows was written, (B,)."""
        if self._rows is not None:
            for row in rows[~self._verified[rows] & (self._checksums[rows] != 0)].tolist():
                self._verified[row] = self._checksums[row] == _checksum(self._rows[row])
        return self._verified[rows]

    def read(self, rows: Rows) -> Tensor:
        """Values (B, *shape) of rows that were written."""
        assert self._rows is not None
        return self._rows[torch.from_numpy(rows)].view(self.dtype).view(-1, *self.shape)

    def write(self, rows: Rows, values: Tensor) -> None:
        """Write values (B, *shape) of the given rows, and then their checksums."""
        if self._rows is None:
            return
        # Copied, since torch calls maps (B, C, 1, 1) contiguous whose bytes it cannot view.
        raw = torch.empty(values.shape, dtype=self.dtype).copy_(values).view(len(rows), -1).view(torch.uint8)
        self._rows[torch.from_numpy(rows)] = raw
        self._checksums[rows] = [_checksum(row) for row in raw]
        self._verified[rows] = True


class JoinedStores:
    """Reads the same rows of several stores, such as those of photos and of their mirror images.

    Args:
        stores: At least one store; all have rows of one shape and type.

    Example:
        >>> names = ("plain.bin", "mirrored.bin")
        >>> stores = [TensorStore(Path(name), 2, (1,), torch.float32) for name in names]
        >>> for number, store in enumerate(stores):
        ...     store.write(np.arange(2), torch.tensor([[1.0], [2.0]]) + 10 * number)
        >>> JoinedStores(stores).read(np.arange(2)).flatten().tolist()
        [1.0, 11.0, 2.0, 12.0]
    """

    def __init__(self, stores: Sequence[TensorStore]) -> None:
        self.stores = tuple(stores)

    @classmethod
    def of_all(cls, stores: Sequence[TensorStore | None]) -> "JoinedStores | None":
        """Join stores that were opened; None if one of them could not be."""
        opened = [store for store in stores if store is not None]
        return cls(opened) if len(opened) == len(stores) else None

    @property
    def first(self) -> "JoinedStores":
        """The first of the stores alone."""
        return JoinedStores(self.stores[:1])

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """Whether each of the given rows was written in all stores, (B,)."""
        written: npt.NDArray[np.bool_] = np.all([store.has(rows) for store in self.stores], axis=0)
        return written

    def read(self, rows: Rows) -> Tensor:
        """Values (B * n, *shape) of rows that were written in all n stores.

        Those of the first row by each store come first, then those of the next row.
        """
        return torch.stack([store.read(rows) for store in self.stores], dim=1).flatten(0, 1)


def _checksum(row: Tensor) -> int:
    return zlib.crc32(row.numpy().data) or 1  # 0 means that the row was not written


def file_size(n: int, shape: Sequence[int], dtype: torch.dtype) -> int:
    """Size of a store on the disk, in bytes."""
    return _checksums_size(n) + n * int(np.prod(shape)) * dtype.itemsize


def _checksums_size(n: int) -> int:
    return math.ceil(n * CHECKSUM_BYTES / PAGE_BYTES) * PAGE_BYTES  # rows begin on a page of their own


def _allocate(path: Path, size: int) -> None:
    """Make a file and reserve its room.

    Writing to a mapped file on a full disk would kill the process.
    """
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
        with suppress(FileExistsError):  # another process was faster; its file stays, with the rows that it has written
            _rename_unless_exists(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _rename_unless_exists(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as exFAT
        if not path.exists():
            temporary.rename(path)
