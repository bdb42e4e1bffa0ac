"""Photos as tensors, and the order in which an epoch visits them."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from rich.progress import track
from torch.utils.data import Dataset

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.folder import Photos
from posture_classifier.images.augmentation import Augmentation
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch
from posture_classifier.utils.threads import map_in_threads


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
        pixels: TensorStore | None = None,
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


def find_unreadable(photos: Photos, read: Callable[[int], object] | None = None) -> dict[str, str]:
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

    reasons = track(map_in_threads(reason, range(len(photos))), "Reading photos", total=len(photos), transient=True)
    return {path: why for path, why in zip(photos.paths, reasons, strict=True) if why}
