"""Classifies photos with a finished model: ``Classifier.load("best.ckpt").predict(["a.jpg"])``."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from posture_classifier.images.decode import DecodeError, upright_rgb
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import Precision
from posture_classifier.utils.device import choose_device
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.threads import map_in_threads

Photo = str | Path | Image.Image | npt.NDArray[np.uint8]
"""A file, or an RGB image as a Pillow image or an array (H, W, 3)."""


@dataclass(frozen=True)
class Prediction:
    """The prediction for one photo.

    Attributes:
        path: The file; empty for an image given in memory.
        label: The most probable class; None where the photo could not be read.
        probability: Probability of ``label``, 0 to 1.
        probabilities: Probability of every class by name; they sum to 1.
        error: The reason why the photo could not be read; None where it could.
    """

    path: str
    label: str | None = None
    probability: float | None = None
    probabilities: dict[str, float] | None = None
    error: str | None = None


class Classifier:
    """A trained model with its class names and preprocessing, read from one checkpoint.

    Args:
        model: A fitted model.
        device: A device of torch, such as ``cpu`` or ``cuda:1``; None takes a GPU if there is one.
        precision: ``auto`` computes in bfloat16 where the hardware has it, as the evaluation at the
            end of ``fit`` does; ``fp32`` nowhere.

    Raises:
        UserError: There is no such device.

    Example:
        >>> classifier = Classifier.load("best.ckpt", device="cpu")
        >>> classifier.class_names
        ['left', 'right']
        >>> (prediction,) = classifier.predict(["photos/left/person0_0.png"])
        >>> prediction.label in classifier.class_names, 0 < prediction.probability <= 1
        (True, True)
    """

    def __init__(self, model: PostureClassifier, device: str | None = None, precision: Precision = "auto") -> None:
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.model.precision = precision
        self.class_names: list[str] = list(model.hparams["class_names"])

    @classmethod
    def load(cls, checkpoint: str | Path, device: str | None = None, precision: Precision = "auto") -> "Classifier":
        """Read a checkpoint; no network and no other file is needed, and nothing in it is executed.

        Raises:
            UserError: The file is missing, damaged, unsafe or another program's.
        """
        return cls.from_checkpoint(read_checkpoint(checkpoint), device, precision)

    @classmethod
    def from_checkpoint(cls, content: dict[str, Any], device: str | None = None, precision: Precision = "auto") -> "Classifier":
        """Build the classifier from the content of a checkpoint that was read already."""
        model = PostureClassifier(**content["hyper_parameters"])
        model.load_state_dict(content["state_dict"])
        return cls(model, device, precision)

    def predict(self, photos: Sequence[Photo], batch_size: int | None = None) -> list[Prediction]:
        """Classify photos; the prediction of one that cannot be read has its ``error``."""
        return list(self.stream(photos, batch_size))

    def stream(self, photos: Sequence[Photo], batch_size: int | None = None) -> Iterator[Prediction]:
        """Classify photos one by one in order; the next are decoded while the network computes.

        Args:
            photos: Any number of photos.
            batch_size: Most photos in the network at once, which a CPU's cores share. None suits
                the device.

        Raises:
            UserError: ``batch_size`` is below 1, or an image in memory has another shape or type.
        """
        if batch_size is not None and batch_size < 1:
            raise UserError(f"batch_size is {batch_size}, but must be at least 1")
        size = chunk_size(self.device)
        passes = concurrent_passes(self.device, min(math.ceil(len(photos) / size), batch_size or len(photos)))
        if batch_size is not None:
            size = min(size, batch_size // passes) if passes > 1 else batch_size
        decoded = map_in_threads(self._decode, photos, ahead=max(64, 2 * size * passes))
        batches = (photos[start : start + size] for start in range(0, len(photos), size))
        batches_and_pixels = ((batch, list(islice(decoded, len(batch)))) for batch in batches)
        yield from chain.from_iterable(parallel_forward(self._classify, batches_and_pixels, passes))

    def _decode(self, photo: Photo) -> Tensor | str:
        """Pixels (3, H, W) uint8, or the reason why the photo cannot be read."""
        preprocessing = self.model.preprocessing
        try:
            if isinstance(photo, (str, Path)):
                pixels = preprocessing.read(photo)
            else:
                image = photo if isinstance(photo, Image.Image) else _from_array(photo)
                pixels = preprocessing.square(upright_rgb(image, preprocessing.white))
        except DecodeError as error:
            return str(error)
        return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C"))

    @torch.inference_mode()
    def _classify(self, batch: tuple[Sequence[Photo], list[Tensor | str]]) -> list[Prediction]:
        photos, pixels = batch
        readable = [image for image in pixels if isinstance(image, Tensor)]
        rows: Iterator[list[float]] = iter([])
        if readable:
            images = self.model.preprocessing.normalise(torch.stack(readable).to(self.device))
            rows = iter(self.model(images).float().softmax(1).tolist())
        return [self._prediction(photo, image, rows) for photo, image in zip(photos, pixels, strict=True)]

    def _prediction(self, photo: Photo, image: Tensor | str, rows: Iterator[list[float]]) -> Prediction:
        """The prediction of one photo, which takes the next row of probabilities if it was read."""
        path = str(photo) if isinstance(photo, (str, Path)) else ""
        if isinstance(image, str):
            return Prediction(path, error=image)
        probabilities = dict(zip(self.class_names, next(rows), strict=True))
        label = max(probabilities, key=lambda name: probabilities[name])
        return Prediction(path, label, probabilities[label], probabilities)


def _from_array(array: npt.NDArray[np.uint8]) -> Image.Image:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3:
        raise UserError(f"an image in memory must be (H, W, 3) uint8, RGB; this one is {array.shape} {array.dtype}")
    return Image.fromarray(array)
