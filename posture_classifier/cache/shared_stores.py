"""Tensor stores that all processes of one training map, made if there is room for them."""

from pathlib import Path

import torch
from lightning.pytorch import Trainer

from posture_classifier.cache.directory import make_room, remove_file
from posture_classifier.cache.tensor_store import TensorStore, file_size

LASTING = ".kept"
"""Suffix of stores that stay when their training ends."""


class SharedStores:
    """Opens tensor stores in one folder by name, and removes them again.

    Args:
        folder: The folder of all stores.
        limit: Most bytes that all stores in the folder may take.
        keep: Whether stores stay for later runs.
    """

    refusal = ""
    """Why the last store that could not be opened was refused, as the end of a sentence."""

    def __init__(self, folder: Path, limit: float, keep: bool) -> None:
        self.folder = folder
        self.limit = limit
        self.keep = keep
        self._mapped: dict[str, TensorStore] = {}  # by this process
        self._shared: dict[str, TensorStore | None] = {}  # by all ranks; None where one of them could not

    def open(self, name: str, n: int, shape: tuple[int, ...], dtype: torch.dtype) -> TensorStore | None:
        """Map a store in this process alone.

        A new file takes the room of the oldest that earlier runs left.

        Returns:
            The store, or None where there is no room for it.
        """
        if name in self._mapped:
            return self._mapped[name]
        lasting = self.folder / f"{name}{LASTING}"
        try:
            path = lasting if self.keep or lasting.exists() else self.folder / name
            in_use = {store.path for store in self._mapped.values()}
            if make_room(path, file_size(n, shape, dtype), self.limit, in_use):
                self._mapped[name] = TensorStore(path, n, shape, dtype)
                return self._mapped[name]
            self.refusal = f"cache.limit leaves no room for it below {self.folder}"
        except OSError as error:  # the disk is full, or the folder cannot be written to
            self.refusal = f"it cannot be kept below {self.folder}: {error.strerror}"
        return None

    def open_on_all_ranks(
        self, trainer: Trainer, name: str, n: int, shape: tuple[int, ...], dtype: torch.dtype
    ) -> TensorStore | None:
        """Map one store in all processes, or none if one of them cannot; a collective call."""
        if name not in self._shared:
            store = None
            # The first process of each node makes the file, then the others map it.
            for makes_file in (True, False):
                if makes_file == (trainer.local_rank == 0):
                    store = self.open(name, n, shape, dtype)
                trainer.strategy.barrier()
            shared = is_shared(trainer, store)
            if store is not None and not shared:
                self.refusal = "another process could not keep it, or another run has just removed it"
                self._close(name)
            self._shared[name] = store if shared else None
        return self._shared[name]

    def close(self, keep_open: str | None = None) -> None:
        """Remove all stores but one from the disk, except those that stay for later runs."""
        for name in {*self._mapped, *self._shared} - {keep_open}:
            self._shared.pop(name, None)
            self._close(name)

    def _close(self, name: str) -> None:
        store = self._mapped.pop(name, None)
        if store is not None and store.path.suffix != LASTING:
            remove_file(store.path)


def is_shared(trainer: Trainer, store: TensorStore | None) -> bool:
    """Whether all ranks of every node have mapped the same file.

    Another run may remove a file after one rank has mapped it and before the next one does.
    """
    own = torch.tensor(store.identity % 2**63 if store else -1, device=trainer.strategy.root_device)
    all_files = trainer.strategy.all_gather(own).flatten().tolist()
    file_of_first = all_files[trainer.global_rank - trainer.local_rank]
    return trainer.strategy.reduce_boolean_decision(store is not None and int(own) == file_of_first)
