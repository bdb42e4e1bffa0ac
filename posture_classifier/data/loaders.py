"""Batches: the order in which an epoch visits the photos, and the processes that decode them."""

import gc
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import DataLoader, DistributedSampler

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.dataset import PhotoDataset
from posture_classifier.models.batch import Batch, CachedBatch
from posture_classifier.utils.threads import available_cores


class EpochSampler(DistributedSampler[tuple[int | None, int]]):
    """Yields ``(view, index)``; the order is a function of seed and epoch, so a resumed run sees the photos as it would have.

    With several ranks they take turns in the shared order, so that r ranks at batch b see together, step by step, what one
    process sees at batch r * b. The last round is filled up with repeats, which evaluation drops again by index.
    """

    view: int | None = None
    """Of all photos, in the epoch that begins."""

    def __iter__(self) -> Iterator[tuple[int | None, int]]:
        for index in super().__iter__():
            yield self.view, index  # type: ignore[misc]


class Chunks:
    """A batch sampler of given batches, each an array of indices, in one view."""

    def __init__(self, batches: list[npt.NDArray[np.int64]], view: int | None) -> None:
        self.batches = batches
        self.view = view

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[tuple[int | None, int]]]:
        for batch in self.batches:
            yield [(self.view, index) for index in batch.tolist()]


class CachedFeatures(NamedTuple):
    """Where an epoch's activations are kept, if they are, and the view of the photos that the epoch sees in either case."""

    store: TensorStore | None
    view: int | None


class PhotoLoader(DataLoader[Batch]):
    """A split's batches, in the order of its sampler: of photos, or of what is kept of them.

    The arguments are those of torch's DataLoader; Lightning builds it anew from them for some of its options.
    """

    feature_cache: Callable[[int], CachedFeatures] | None = None
    """Asked when an epoch begins, ``feature_cache(epoch)``; without one an epoch sees its own view, and nothing is kept."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        store = None
        if isinstance(self.sampler, EpochSampler):
            # Being a generator, it asks when the first batch is wanted: only then the epoch's stages are open.
            epoch = self.sampler.epoch
            store, self.sampler.view = self.feature_cache(epoch) if self.feature_cache else (None, epoch)
        if store is None:
            yield from super().__iter__()
            return
        photos = cast(PhotoDataset, self.dataset).photos
        for keys in self.batch_sampler or ():
            indices = np.array([index for _, index in keys])
            yield CachedBatch(store.read(photos.rows[indices]), torch.from_numpy(photos.labels[indices]), torch.from_numpy(indices))


def default_workers(ranks: int) -> int:
    """A process for each core that a rank has, eight at most; none on one core."""
    return 0 if available_cores() == 1 else min(8, max(1, available_cores() // ranks))


def init_worker(worker: int) -> None:
    """One thread a worker, where OpenCV would start as many as there are cores; and what it inherited stays shared."""
    import cv2

    # Or else the first full collection would write to every object of the process that it was forked from, and so copy all of them.
    gc.freeze()
    cv2.setNumThreads(0)
