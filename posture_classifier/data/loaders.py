"""Batches: the order in which an epoch visits the photos, and the processes that decode them."""

import gc
import math
import os
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, DistributedSampler

from posture_classifier.cache.tensor_store import JoinedStores
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.images.decoding_memory import budget
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.utils.cores import available_cores
from posture_classifier.utils.errors import UserError

PREFETCHED = 2
"""Batches that each worker computes ahead: torch's own default."""
SHARED_MEMORY = "/dev/shm"
"""The file system that Linux keeps shared memory in."""


class EpochSampler(DistributedSampler[Any]):
    """Yields ``(view, index)`` in an order that depends on seed and epoch only, as resuming needs.

    Several ranks take turns in one shared order, so that r ranks with batches of b photos see
    together, step by step, what one process sees with batches of r * b. The last round is filled up
    with repeats, which evaluation drops again by index.
    """

    view: int | None = None
    """The augmented view of all photos in the epoch that begins; None is the photos as they are."""

    def __iter__(self) -> Iterator[tuple[int | None, int]]:
        for index in super().__iter__():
            yield self.view, index


class FixedBatches:
    """A batch sampler of arrays of indices, all in one view; None is the photos as they are."""

    def __init__(self, batches: list[npt.NDArray[np.int64]], view: int | None) -> None:
        self.batches = batches
        self.view = view

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int | None, int]]]:
        for batch in self.batches:
            yield [(self.view, index) for index in batch.tolist()]


class CachedFeatures(NamedTuple):
    """What an epoch trains on.

    Attributes:
        store: Cached activations of the frozen layers, by the photos' rows; None trains on photos.
        view: The augmented view of the photos, cached or not; None is the photos as they are.
    """

    store: JoinedStores | None
    view: int | None


class PhotoLoader(DataLoader[Batch]):
    """Batches of a split in the order of its sampler: of photos, or of their cached activations.

    The arguments are those of torch's DataLoader, from which Lightning builds it anew for some of
    its own options.
    """

    feature_cache: Callable[[int], CachedFeatures] | None = None
    """``feature_cache(epoch)`` is called when an epoch begins and says what it trains on; without
    it an epoch trains on the photos, in a view of its own."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        store = None
        if isinstance(self.sampler, EpochSampler):
            # A generator runs when the first batch is needed: only then are the epoch's stages
            # unfrozen.
            epoch = self.sampler.epoch
            store, self.sampler.view = self.feature_cache(epoch) if self.feature_cache else (None, epoch)
        if store is None:
            yield from self._from_workers()
            return
        photos = cast(PhotoDataset, self.dataset).photos
        for keys in self.batch_sampler or ():
            indices = np.array([index for _, index in keys])
            yield CachedBatch(store.read(photos.rows[indices]), torch.from_numpy(photos.labels[indices]), torch.from_numpy(indices))

    def _from_workers(self) -> Iterator[Any]:
        try:
            yield from super().__iter__()
        except RuntimeError as error:
            if "shared memory" not in str(error):
                raise
            # It sufficed when the workers were chosen; others have used it up since.
            raise UserError(
                f"{SHARED_MEMORY} has no room left for the batches of {self.num_workers} worker processes; take fewer "
                "(--data.num_workers 0 needs none), or give the container more (docker run --shm-size 2g)"
            ) from error


def choose_workers(wanted: int | None, ranks: int, batches: int, batch_bytes: int, in_use: int = 2) -> int:
    """Choose a number of worker processes whose batches find room in shared memory.

    Each worker is two batches ahead of those that are in use, and a container often has no more
    than 64 MB for all of them.

    Args:
        wanted: The number that the user asks for; None is one for each core that a rank has, at
            most eight, and none on one core.
        ranks: Processes of one training on this machine.
        batches: Number of batches of one pass.
        batch_bytes: Size of a batch.
        in_use: Batches that are taken from the workers at a time.

    Raises:
        UserError: There is no room for as many workers as the user asks for.
    """
    room = shared_memory()

    def needed(workers: int) -> int:
        return ranks * min(PREFETCHED * workers + in_use, batches) * batch_bytes if workers else 0

    if wanted is None:
        most = 0 if available_cores() == 1 else min(8, max(1, available_cores() // ranks))
        # A quarter is left to others: to NCCL, or to another training in the same container.
        return next(workers for workers in range(most, -1, -1) if needed(workers) <= 0.75 * room)
    if needed(wanted) > room:
        raise UserError(
            f"data.num_workers {wanted} takes up to {math.ceil(needed(wanted) / 1e6)} MB of shared memory, and {SHARED_MEMORY} has "
            f"{int(room / 1e6)} MB left; leave data.num_workers out, or give the container more (docker run --shm-size 2g)"
        )
    return wanted


def shared_memory() -> float:
    """Bytes that are free where workers put their batches; infinite where there is no limit."""
    if not hasattr(os, "statvfs") or not os.path.isdir(SHARED_MEMORY):
        return math.inf
    status = os.statvfs(SHARED_MEMORY)
    return status.f_bavail * status.f_frsize if status.f_blocks else math.inf


def init_worker(worker: int) -> None:
    """Prepare a worker process: one thread for OpenCV, its part of the memory for decoding."""
    import cv2

    # The first full garbage collection would otherwise write to every inherited object, and so copy
    # the memory of the parent.
    gc.freeze()
    cv2.setNumThreads(0)
    if (info := torch.utils.data.get_worker_info()) is not None:
        budget.begin(info.num_workers)
