"""Photos as tensors, and the order in which an epoch visits them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from rich.progress import track
from torch.utils.data import Dataset, DistributedSampler

from posture_classifier.data.augmentation import Augmentation
from posture_classifier.data.decode import DecodeError, decode
from posture_classifier.data.folder import Photos
from posture_classifier.data.preprocessing import Batch, Preprocessing


class PhotoDataset(Dataset[Batch]):
    """Decoded, squared and (for training) augmented photos, as uint8; they are normalised on the device.

    An item is asked for by ``(epoch, index)``, because what it looks like depends on both.
    """

    def __init__(self, photos: Photos, preprocessing: Preprocessing, augmentation: Augmentation | None = None) -> None:
        self.photos = photos
        self.preprocessing = preprocessing
        self.augmentation = augmentation

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: tuple[int, int] | int) -> Batch:
        # Trainer(overfit_batches=...) puts a sampler of its own in place of ours, which yields the index alone.
        epoch, index = key if isinstance(key, tuple) else (0, key)
        pixels = self.preprocessing.square(decode(self.photos.file(index), self.preprocessing.image_size))
        if self.augmentation is not None:
            pixels = self.augmentation(pixels, epoch, index)
        image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))
        return Batch(image, torch.tensor(self.photos.labels[index]), torch.tensor(index))


class EpochSampler(DistributedSampler[tuple[int, int]]):
    """Yields ``(epoch, index)``; the order is a function of seed and epoch, so a resumed run sees the photos as it would have.

    With several ranks they take turns in the shared order, so that r ranks at batch b see together, step by step, what one
    process sees at batch r * b. The last round is filled up with repeats, which evaluation drops again by index.
    """

    def __iter__(self) -> Iterator[tuple[int, int]]:
        for index in super().__iter__():
            yield self.epoch, index  # type: ignore[misc]


def unreadable(photos: Photos, threads: int) -> dict[str, str]:
    """Decode every photo once, at the smallest scale its format offers, and say which fail: ``{path: reason}``."""

    def reason(index: int) -> str | None:
        try:
            decode(photos.file(index), at_least=1)
        except DecodeError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(threads) as pool:
        reasons = track(pool.map(reason, range(len(photos))), "Checking photos", total=len(photos), transient=True)
        return {str(path): why for path, why in zip(photos.paths, reasons, strict=True) if why}
