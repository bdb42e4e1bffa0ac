"""An array of very many strings in little memory."""

from array import array
from collections.abc import Iterable, Iterator
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from posture_classifier.utils.types import Ints


class StringArray:
    """(N,) strings, stored as their bytes in one row and an array of where each string ends.

    A million paths of 40 letters take 56 MB, where Python's strings take 100 and NumPy's 160.
    Worker processes share this memory, while reading a Python object writes its reference count and
    so copies its page into each worker. Selected strings share the bytes, too.

    Args:
        names: The strings; bytes that are no UTF-8 may be escaped as Python does in file names.
        codes: (N,) index into ``names`` of each string, where many are equal; by default each name
            is one string.

    Example:
        >>> names = StringArray(["right", "left"], codes=np.array([0, 1, 1]))
        >>> names[0], names[1:].tolist()
        ('right', ['left', 'left'])
    """

    def __init__(self, names: Iterable[str], codes: Ints | None = None) -> None:
        letters, ends = bytearray(), array("q", [0])
        for name in names:
            letters += name.encode(errors="surrogateescape")
            ends.append(len(letters))
        self._letters = letters
        self._ends = np.frombuffer(ends, dtype=np.int64)
        self._codes = np.arange(len(ends) - 1) if codes is None else codes

    def _select(self, codes: Ints) -> "StringArray":
        result = StringArray.__new__(StringArray)
        result._letters, result._ends, result._codes = self._letters, self._ends, codes
        return result

    def _bytes(self, code: int) -> bytes | bytearray:
        return self._letters[self._ends[code] : self._ends[code + 1]]

    def _spelled(self, codes: Ints) -> npt.NDArray[np.bytes_]:
        """The bytes (M,) of some of the distinct strings."""
        width = int(np.diff(self._ends).max(initial=1))
        return np.fromiter((bytes(self._bytes(code)) for code in codes), dtype=f"S{width}", count=len(codes))

    def __len__(self) -> int:
        return len(self._codes)

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> str: ...
    @overload
    def __getitem__(self, key: slice | list[int] | npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]) -> "StringArray": ...
    def __getitem__(self, key: Any) -> "str | StringArray":
        """Return one string, or those that a slice, a mask or an array of indices selects."""
        codes = self._codes[key]
        return self._select(codes) if isinstance(codes, np.ndarray) else self._bytes(codes).decode(errors="surrogateescape")

    def __iter__(self) -> Iterator[str]:
        return (self._bytes(code).decode(errors="surrogateescape") for code in self._codes)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[np.str_]:
        """Convert to NumPy's strings (N,), which take four bytes for each letter of the longest."""
        return np.array(self.tolist(), dtype=np.str_)

    def tolist(self) -> list[str]:
        """Convert to a list of Python's strings."""
        return list(self)

    def order(self) -> Ints:
        """Return the indices (N,) that sort the strings; equal ones keep their order."""
        return np.argsort(self._spelled(self._codes), kind="stable")

    def unique(self) -> tuple["StringArray", Ints]:
        """Return the distinct strings in order, and the index (N,) of each string among them."""
        used, inverse = np.unique(self._codes, return_inverse=True)
        _, first, distinct = np.unique(self._spelled(used), return_index=True, return_inverse=True)
        return self._select(used[first]), distinct[inverse]
