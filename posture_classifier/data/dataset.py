"""Photos as tensors, and the order in which an epoch visits them."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from posture_classifier.data.augmentation import Augmentation
from posture_classifier.data.decode import DecodeError, decode
from posture_classifier.data.folder import Photos
from posture_classifier.data.preprocessing import Batch, KeptBatch, Preprocessing
from posture_classifier.parallel import in_threads
from posture_classifier.store import Store


class PhotoDataset(Dataset[Batch]):
    """Decoded, squared and (for training) augmented photos, as uint8; they are normalised on the device.

    An item is asked for by ``(view, index)``, because what it looks like depends on both: a view is the epoch that draws the
    augmentation, or None for the photo as it is.

    Args:
        photos: Those of one split.
        preprocessing: What the network wants to be shown.
        augmentation: None leaves the photos as they are.
        pixels: Where squared photos are kept once they were decoded, by their row.
    """

    def __init__(
        self,
        photos: Photos,
        preprocessing: Preprocessing,
        augmentation: Augmentation | None = None,
        pixels: Store | None = None,
    ) -> None:
        self.photos = photos
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        self.pixels = pixels

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: tuple[int | None, int] | int) -> Batch:
        # Trainer(overfit_batches=...) puts a sampler of its own in place of ours, which yields the index alone.
        view, index = key if isinstance(key, tuple) else (0, key)
        pixels = self.square(index)
        if self.augmentation is not None and view is not None:
            pixels = self.augmentation(pixels, view, int(self.photos.rows[index]))
        image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))
        return Batch(image, torch.tensor(self.photos.labels[index]), torch.tensor(index))

    def square(self, index: int) -> npt.NDArray[np.uint8]:
        """(H, W, 3) pixels of a photo, kept from then on if there is a place for them.

        Raises:
            DecodeError: It cannot be read.
        """
        row = self.photos.rows[index : index + 1]
        if self.pixels is not None and self.pixels.has(row).all():
            kept: npt.NDArray[np.uint8] = self.pixels.read(row)[0].numpy()
            return kept
        pixels = np.array(self.preprocessing.square(decode(self.photos.file(index), self.preprocessing.image_size)))
        if self.pixels is not None:
            self.pixels.write(row, torch.from_numpy(pixels)[None])
        return pixels


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


class Kept(NamedTuple):
    """Where an epoch's activations are kept, if they are, and the view of the photos that the epoch sees in either case."""

    store: Store | None
    view: int | None


class PhotoLoader(DataLoader[Batch]):
    """A split's batches, in the order of its sampler: of photos, or of what is kept of them.

    The arguments are those of torch's DataLoader; Lightning builds it anew from them for some of its options.
    """

    keeper: Callable[[int], Kept] | None = None
    """Asked when an epoch begins, ``keeper(epoch)``; without one an epoch sees its own view, and nothing is kept."""

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        store = None
        if isinstance(self.sampler, EpochSampler):
            # Being a generator, it asks when the first batch is wanted: only then the epoch's stages are open.
            epoch = self.sampler.epoch
            store, self.sampler.view = self.keeper(epoch) if self.keeper else (None, epoch)
        if store is None:
            yield from super().__iter__()
            return
        photos = cast(PhotoDataset, self.dataset).photos
        for keys in self.batch_sampler or ():
            indices = np.array([index for _, index in keys])
            yield KeptBatch(store.read(photos.rows[indices]), torch.from_numpy(photos.labels[indices]), torch.from_numpy(indices))


def unreadable(photos: Photos, read: Callable[[int], object] | None = None) -> dict[str, str]:
    """Read every photo once and say which cannot be: ``{path: reason}``.

    Args:
        photos: N photos.
        read: Reads one by its index; by default it is decoded at the smallest scale that its format offers, and forgotten.
    """

    def reason(index: int) -> str | None:
        try:
            read(index) if read else decode(photos.file(index), at_least=1)
        except DecodeError as error:
            return str(error)
        return None

    reasons = track(in_threads(reason, range(len(photos))), "Reading photos", total=len(photos), transient=True)
    return {path: why for path, why in zip(photos.paths, reasons, strict=True) if why}
