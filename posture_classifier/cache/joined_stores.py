"""Several tensor stores that are read as one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from posture_classifier.cache.tensor_store import Rows, TensorStore


class JoinedStores:
    """Reads the same rows of several stores, such as those of photos and of their mirror images.

    Args:
        stores: At least one store; all have rows of one shape and type.

    Example:
        >>> from pathlib import Path
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
