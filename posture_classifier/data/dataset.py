"""Photos as tensors: decoded, scaled to squares and augmented."""

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from posture_classifier.cache.tensor_store import TensorStore
from posture_classifier.data.folder import Photos
from posture_classifier.images.augmentation import Augmentation
from posture_classifier.images.decode import DecodeError
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.batch import Batch
from posture_classifier.utils.errors import UserError

MIRRORED = -1
"""The view that is a photo's mirror image, and not augmented."""


class PhotoDataset(Dataset[Batch]):
    """Photos as uint8 squares, augmented for training; they are normalised on the device.

    The key of an item is ``(view, index)``. A view is a number that seeds the augmentation, such as
    the epoch, or ``MIRRORED``, or None for the photo as it is.

    Args:
        photos: The photos of one split.
        preprocessing: Scales photos to the squares that the network expects.
        augmentation: Changes training photos at random; None leaves them as they are.
        pixel_cache: Cache of the squares, by the photos' rows; None decodes a photo each time.
    """

    def __init__(
        self,
        photos: Photos,
        preprocessing: Preprocessing,
        augmentation: Augmentation | None = None,
        pixel_cache: TensorStore | None = None,
    ) -> None:
        if augmentation is not None:
            augmentation.check(preprocessing.image_size)
        self.photos = photos
        self.preprocessing = preprocessing
        self.augmentation = augmentation
        self.pixel_cache = pixel_cache

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, key: tuple[int | None, int] | int) -> Batch:
        # Trainer(overfit_batches=...) puts a sampler of its own in place of ours, which yields the
        # index alone.
        view, index = key if isinstance(key, tuple) else (0, key)
        try:
            pixels = self.square(index)
        except DecodeError as error:
            raise UserError(
                f"{self.photos.file(index)} could be read when the run began, and no longer can: {error}; put it back, and the "
                "run goes on with --ckpt_path last"
            ) from error
        if view == MIRRORED:
            pixels = pixels[:, ::-1]
        elif self.augmentation is not None and view is not None:
            pixels = self.augmentation(pixels, view, int(self.photos.rows[index]))
        image = torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))
        return Batch(image, torch.tensor(self.photos.labels[index]), torch.tensor(index))

    def square(self, index: int) -> npt.NDArray[np.uint8]:
        """Decode a photo to a square (H, W, 3), or read it from the cache of pixels.

        Raises:
            DecodeError: The photo cannot be read.
        """
        row = self.photos.rows[index : index + 1]
        if self.pixel_cache is not None and self.pixel_cache.has(row).all():
            cached: npt.NDArray[np.uint8] = self.pixel_cache.read(row)[0].numpy()
            return cached
        pixels = np.array(self.preprocessing.read(self.photos.file(index)))
        if self.pixel_cache is not None:
            self.pixel_cache.write(row, torch.from_numpy(pixels)[None])
        return pixels
