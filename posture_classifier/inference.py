"""All that a finished model needs: ``Classifier.load("best.ckpt").predict(["a.jpg"])``."""

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

from posture_classifier.images.decode import DecodeError, decode, upright_rgb
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.parallel_forward import chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import Precision
from posture_classifier.utils.device import choose_device
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.threads import map_in_threads

Photo = str | Path | Image.Image | npt.NDArray[np.uint8]
"""A file, or an RGB image: Pillow's, or an (H, W, 3) array."""


@dataclass(frozen=True)
class Prediction:
    """What the model says about one photo.

    Attributes:
        path: The file, or an empty string for an image given in memory.
        label: The most probable class; None where the photo could not be read.
        probability: That class's probability, 0 to 1.
        probabilities: Probability of every class by name; they sum to 1.
        error: Why the photo could not be read.
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
        device: Where to compute; None takes a GPU if there is one.
        precision: ``auto`` computes in bfloat16 where the hardware has it, as the evaluation at the end of ``fit`` does.

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
        return cls.of(read_checkpoint(checkpoint), device, precision)

    @classmethod
    def of(cls, content: dict[str, Any], device: str | None = None, precision: Precision = "auto") -> "Classifier":
        """The model of a checkpoint that was read already."""
        model = PostureClassifier(**content["hyper_parameters"])
        model.load_state_dict(content["state_dict"])
        return cls(model, device, precision)

    def predict(self, photos: Sequence[Photo], batch_size: int | None = None) -> list[Prediction]:
        """Classify photos; one that cannot be read gives a ``Prediction`` with its ``error``, and the others go on."""
        return list(self.stream(photos, batch_size))

    def stream(self, photos: Sequence[Photo], batch_size: int | None = None) -> Iterator[Prediction]:
        """Classify photos, in order; the next are decoded while the network computes.

        Args:
            photos: Any number.
            batch_size: Photos in the network at once, at most; a CPU's cores share them. None is what suits the device.

        Raises:
            UserError: ``batch_size`` is below 1, or an image in memory has another shape or type.
        """
        if batch_size is not None and batch_size < 1:
            raise UserError(f"batch_size is {batch_size}, but must be at least 1")
        size = chunk_size(self.device)
        passes = concurrent_passes(self.device, min(-(-len(photos) // size), batch_size or len(photos)))
        if batch_size is not None:
            size = min(size, batch_size // passes) if passes > 1 else batch_size
        decoded = map_in_threads(self._pixels, photos, ahead=max(64, 2 * size * passes))
        batches = (photos[start : start + size] for start in range(0, len(photos), size))
        work = ((batch, list(islice(decoded, len(batch)))) for batch in batches)
        yield from chain.from_iterable(parallel_forward(self._classify, work, passes))

    def _pixels(self, photo: Photo) -> Tensor | str:
        """(3, H, W) uint8, or why there is none."""
        preprocessing = self.model.preprocessing
        try:
            if isinstance(photo, (str, Path)):
                image = decode(photo, preprocessing.image_size)
            else:
                image = upright_rgb(photo if isinstance(photo, Image.Image) else _from_array(photo))
        except DecodeError as error:
            return str(error)
        return torch.from_numpy(np.array(preprocessing.square(image).transpose(2, 0, 1), order="C"))

    @torch.inference_mode()
    def _classify(self, work: tuple[Sequence[Photo], list[Tensor | str]]) -> list[Prediction]:
        photos, pixels = work
        readable = [image for image in pixels if isinstance(image, Tensor)]
        rows: Iterator[list[float]] = iter([])
        if readable:
            images = self.model.preprocessing.normalise(torch.stack(readable).to(self.device))
            rows = iter(self.model(images).float().softmax(1).tolist())
        return [self._prediction(photo, image, rows) for photo, image in zip(photos, pixels, strict=True)]

    def _prediction(self, photo: Photo, image: Tensor | str, rows: Iterator[list[float]]) -> Prediction:
        """The next of the rows of probabilities, if there is an image rather than an error."""
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
