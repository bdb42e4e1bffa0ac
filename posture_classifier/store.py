"""Rows of numbers in a file that is mapped into memory: what is computed once and read many times."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Rows = npt.NDArray[np.int64]
PAGE = 4096


class Store:
    """``n`` tensors of one shape and type in a file, each marked once it is written.

    Several processes may map one file: all write the same values, and a row counts only when its mark is set, which happens after
    the row was written. A process that is killed in between leaves a row without a mark.

    Args:
        path: The file; made, with no row marked, if it is not there.
        n: Number of rows.
        shape: Shape of a row.
        dtype: Type of its numbers.

    Raises:
        OSError: The disk has no room for the whole file, or the folder cannot be written to.
    """

    def __init__(self, path: Path, n: int, shape: Sequence[int], dtype: torch.dtype) -> None:
        self.path, self.n, self.shape, self.dtype = path, n, tuple(shape), dtype
        if not path.exists():
            _allocate(path, file_size(n, self.shape, dtype))
        self._map()

    def _map(self) -> None:
        content = np.memmap(self.path, dtype=np.uint8, mode="r+")
        self._marks = content[: self.n]
        self._rows = torch.from_numpy(content[_marks_size(self.n) :]).view(self.n, -1)

    def __getstate__(self) -> dict[str, Any]:
        """For DataLoader workers: they map the file themselves."""
        return {key: value for key, value in vars(self).items() if key not in ("_marks", "_rows")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._map()

    def has(self, rows: Rows) -> npt.NDArray[np.bool_]:
        """(B,) whether each row was written."""
        return np.asarray(self._marks[rows] == 1)

    def read(self, rows: Rows) -> Tensor:
        """(B, *shape)."""
        return self._rows[torch.from_numpy(rows)].view(self.dtype).view(-1, *self.shape)

    def write(self, rows: Rows, values: Tensor) -> None:
        """Keep (B, *shape), then mark it."""
        numbers = values.to("cpu", self.dtype).contiguous()
        self._rows[torch.from_numpy(rows)] = numbers.view(torch.uint8).view(len(rows), -1)
        self._marks[rows] = 1


def file_size(n: int, shape: Sequence[int], dtype: torch.dtype) -> int:
    """Bytes on the disk of a store."""
    return _marks_size(n) + n * int(np.prod(shape)) * dtype.itemsize


def _marks_size(n: int) -> int:
    return -(-n // PAGE) * PAGE  # rows begin on a page of their own


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
        with suppress(FileExistsError):  # another process was quicker; its file stays, with what is marked in it
            os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def fingerprint(*parts: Any) -> str:
    """A name for content: 32 hexadecimal digits of the BLAKE2b digest of plain values, arrays and tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = _bytes(part)
        digest.update(len(content).to_bytes(8))  # or else (1, 2) would be (12,)
        digest.update(content)
    return digest.hexdigest()


def _bytes(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return part if isinstance(part, np.ndarray) else json.dumps(part, sort_keys=True).encode()


def frozen_state(network: nn.Module) -> list[Any]:
    """Names and values of everything in a network that training does not change now."""
    parts: list[Any] = []
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            parts += [name, parameter]
    for name, module in network.named_modules():
        if not module.training:
            for key, buffer in module.named_buffers(recurse=False):
                parts += [f"{name}.{key}", buffer]
    return parts
