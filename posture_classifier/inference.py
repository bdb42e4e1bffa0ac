"""Classifies photos with a finished model: ``Classifier.load("best.ckpt").predict("a.jpg")``."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from posture_classifier.images.decode import DecodeError, upright_rgb
from posture_classifier.images.photo_inputs import Photo, as_photos, load_photo
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.familiarity import FamiliarityDistance
from posture_classifier.models.parallel_forward import MAX_PASSES, chunk_size, concurrent_passes, parallel_forward
from posture_classifier.models.precision import Precision
from posture_classifier.models.restore import restore_familiarity, restore_model
from posture_classifier.runs.checkpoints import Evaluation, find_checkpoint, read_evaluation
from posture_classifier.utils.device import choose_device
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist
from posture_classifier.utils.threads import map_in_threads


@dataclass(frozen=True)
class Prediction:
    """The prediction for one photo.

    Attributes:
        path: The file; empty for an image given in memory.
        label: The most probable class; None where the photo could not be read.
        probability: Probability of ``label``, 0 to 1.
        probabilities: Probability of every class by name; they sum to 1. Calibrated, where the
            checkpoint holds a temperature.
        error: The reason why the photo could not be read; None where it could.
        sure: Whether ``label`` is probable enough to be said, by the rule that the checkpoint
            holds; None where it holds none.
        distance: How unlike the training photos the photo is, 0 or more; None where the checkpoint
            cannot tell.
        familiar: Whether the distance is within that of photos of the same kind; None as above.
    """

    path: str
    label: str | None = None
    probability: float | None = None
    probabilities: dict[str, float] | None = None
    error: str | None = None
    sure: bool | None = None
    distance: float | None = None
    familiar: bool | None = None


@dataclass(frozen=True)
class _Decoded:
    """A photo as the network takes it.

    Attributes:
        path: The file; empty for an image given in memory.
        pixels: (3, H, W) uint8, or the reason why the photo cannot be read.
    """

    path: str
    pixels: Tensor | str


class _Answer(NamedTuple):
    """What the network says of one photo.

    Attributes:
        label: Number of the most probable class.
        probabilities: Those that are shown, of all classes.
        confidence: The largest calibrated probability.
        distance: Distance from the training photos; None where it cannot be told.
    """

    label: int
    probabilities: list[float]
    confidence: float
    distance: float | None


class PhotoClassifier(ABC):
    """What classifies photos: a checkpoint's network, or an exported model.

    Attributes:
        class_names: The classes, in the order of the labels.
        evaluation: How good it is; None if that was not measured.
    """

    class_names: list[str]
    evaluation: Evaluation | None

    @overload  # a text is an iterable of texts, too
    def predict(self, photos: Photo, batch_size: int | None = None) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, photos: Iterable[Photo], batch_size: int | None = None) -> list[Prediction]: ...

    def predict(self, photos: Photo | Iterable[Photo], batch_size: int | None = None) -> Prediction | list[Prediction]:
        """Classify one photo or many; the prediction of one that cannot be read has its ``error``.

        Args:
            photos: A path, the bytes of a file, a Pillow image, an array, or an iterable of these.
            batch_size: Most photos in the network at once, as in ``stream``.

        Returns:
            One prediction of one photo, or a list of those of many, in their order.

        Raises:
            UserError: As in ``stream``.
        """
        one, _ = as_photos(photos)
        predictions = list(self.stream(photos, batch_size))
        return predictions[0] if one else predictions

    __call__ = predict

    def stream(self, photos: Photo | Iterable[Photo], batch_size: int | None = None) -> Iterator[Prediction]:
        """Classify photos one by one in order; the next are decoded while the network computes.

        Args:
            photos: Photos as ``predict`` takes them, any number; they are taken as they are needed.
            batch_size: Most photos in the network at once, which a CPU's cores share; None suits
                the device. An exported model takes one at a time.

        Raises:
            UserError: ``batch_size`` is below 1, a photo is a URL, an array of another shape, type
                or range, or none of what a photo can be, or the network predicts no numbers.
        """
        if batch_size is not None and batch_size < 1:
            raise UserError(f"batch_size is {batch_size}, but must be at least 1")
        return self._stream(as_photos(photos)[1], batch_size)

    @abstractmethod
    def _stream(self, photos: Iterable[Photo], batch_size: int | None) -> Iterator[Prediction]:
        """Classify photos in order, by a batch size that is None or at least 1."""


class Classifier(PhotoClassifier):
    """A trained model with its class names and preprocessing, read from one checkpoint.

    Several threads may use one classifier at once: a prediction changes nothing in it, and is the
    same as that of a thread alone. On a CPU it is no faster than one after the other, since each
    call uses all of torch's threads.

    Args:
        model: A fitted model.
        device: A device of torch, such as ``cpu`` or ``cuda:1``; None takes a GPU if there is one.
        precision: ``auto`` computes in bfloat16 where the hardware has it, as the evaluation at the
            end of ``fit`` does; ``fp32`` nowhere.
        evaluation: How good the model is; None if it was not measured. By what it holds
            probabilities are calibrated, and a prediction is sure and its photo familiar, or not.
        familiarity: Computes the distance from the training photos; None if that is not known.
        calibrated: Whether probabilities are calibrated; false gives those of the network as they
            are. The label is the same, and so is whether it is sure.

    Raises:
        UserError: There is no such device.

    Example:
        >>> classifier = Classifier.load("best.ckpt", device="cpu")
        >>> classifier.class_names
        ['left', 'right']
        >>> prediction = classifier("photos/left/person0_0.png")
        >>> prediction.label in classifier.class_names, 0 < prediction.probability <= 1
        (True, True)
    """

    def __init__(
        self,
        model: PostureClassifier,
        device: str | None = None,
        precision: Precision = "auto",
        evaluation: Evaluation | None = None,
        familiarity: FamiliarityDistance | None = None,
        calibrated: bool = True,
    ) -> None:
        self.device = choose_device(device)
        self.model = model.to(self.device).eval()
        self.model.precision = precision
        self.class_names: list[str] = list(model.hparams["class_names"])
        self.evaluation = evaluation
        self.familiarity = None if familiarity is None else familiarity.to(self.device).eval()
        self.calibrated = calibrated

    @classmethod
    def load(
        cls, checkpoint: str | Path, device: str | None = None, precision: Precision = "auto", calibrated: bool = True
    ) -> "Classifier":
        """Read a checkpoint; no network is needed, and nothing in it is executed.

        Args:
            checkpoint: A ``.ckpt`` file, which can be moved anywhere; or the folder of a run, whose
                best checkpoint is taken.
            device: A device of torch; None takes a GPU if there is one.
            precision: ``auto`` or ``fp32``, as above.
            calibrated: Whether probabilities are calibrated, as above.

        Raises:
            UserError: The file is missing, damaged, unsafe or another program's.
        """
        path = find_checkpoint(Path(checkpoint))
        return cls.from_checkpoint(path, read_checkpoint(path), device, precision, calibrated)

    @classmethod
    def from_checkpoint(
        cls, path: Path, content: dict[str, Any], device: str | None = None, precision: Precision = "auto", calibrated: bool = True
    ) -> "Classifier":
        """Build the classifier from a checkpoint and its content, which was read already.

        Raises:
            UserError: Parts of the content are missing or do not fit each other.
        """
        model = restore_model(path, content)
        familiarity = restore_familiarity(path, content, model)
        return cls(model, device, precision, read_evaluation(path, content), familiarity, calibrated)

    def __repr__(self) -> str:
        network = f"{self.model.hparams['backbone']} at {self.model.preprocessing.image_size} px"
        classes = shortlist([repr(name) for name in self.class_names], 10)
        rule = self.evaluation and self.evaluation.abstention
        sure = f"; sure from a probability of {rule.threshold:.3g} on" if rule else ""
        return f"<Classifier of {classes}: {network}; {self.evaluation or 'accuracy not measured'}{sure}>"

    def _stream(self, photos: Iterable[Photo], batch_size: int | None) -> Iterator[Prediction]:
        size = chunk_size(self.device)
        waiting = iter(photos)
        first = list(islice(waiting, size * MAX_PASSES))  # with more there are no more passes
        passes = concurrent_passes(self.device, min(math.ceil(len(first) / size), batch_size or len(first)))
        if batch_size is not None:
            size = min(size, batch_size // passes) if passes > 1 else batch_size
        decoded = map_in_threads(self._decode, chain(first, waiting), ahead=max(64, 2 * size * passes))
        batches = iter(lambda: list(islice(decoded, size)), [])
        yield from chain.from_iterable(parallel_forward(self._classify, batches, passes))

    def _decode(self, photo: Photo) -> _Decoded:
        preprocessing = self.model.preprocessing
        path = str(photo) if isinstance(photo, (str, Path)) else ""
        try:
            loaded = load_photo(photo)
            if isinstance(loaded, Image.Image):
                pixels = preprocessing.square(upright_rgb(loaded, preprocessing.white))
            else:
                pixels = preprocessing.read(loaded)
        except (DecodeError, OSError) as error:  # the latter of a Pillow image, which is only read now
            return _Decoded(path, str(error))
        return _Decoded(path, torch.from_numpy(np.array(pixels.transpose(2, 0, 1), order="C")))

    @torch.inference_mode()
    def _classify(self, photos: list[_Decoded]) -> list[Prediction]:
        readable = [photo.pixels for photo in photos if isinstance(photo.pixels, Tensor)]
        answers: Iterator[_Answer] = iter([])
        if readable:
            images = self.model.preprocessing.normalise(torch.stack(readable).to(self.device))
            answers = self._answers(images)
        return [self._prediction(photo, answers) for photo in photos]

    def _answers(self, images: Tensor) -> Iterator[_Answer]:
        """What the network says of normalised images (B, 3, H, W), one after the other."""
        distances: list[float | None] = [None] * len(images)
        if self.familiarity is None:
            logits = self.model(images).float()
        else:
            logits, features = self.model.logits_and_features(images)
            logits, distances = logits.float(), self.familiarity(features).tolist()
        temperature = (self.evaluation and self.evaluation.temperature) or 1.0
        calibrated = (logits / temperature).softmax(1)
        shown = calibrated if self.calibrated else logits.softmax(1)
        if not shown.isfinite().all():
            raise UserError(
                "the network's probabilities are not finite: its training diverged, or its checkpoint was changed; "
                "take another checkpoint"
            )
        # The logits' own order at every temperature: probabilities can be equal by rounding.
        return map(_Answer, logits.argmax(1).tolist(), shown.tolist(), calibrated.amax(1).tolist(), distances)

    def _prediction(self, photo: _Decoded, answers: Iterator[_Answer]) -> Prediction:
        """The prediction of one photo, which takes the next answer if it was read."""
        if isinstance(photo.pixels, str):
            return Prediction(photo.path, error=photo.pixels)
        answer = next(answers)
        probabilities = dict(zip(self.class_names, answer.probabilities, strict=True))
        label = self.class_names[answer.label]
        abstention = self.evaluation and self.evaluation.abstention
        familiarity = self.evaluation and self.evaluation.familiarity
        return Prediction(
            photo.path,
            label,
            probabilities[label],
            probabilities,
            sure=answer.confidence >= abstention.threshold if abstention else None,
            distance=answer.distance,
            familiar=answer.distance <= familiarity.threshold if familiarity and answer.distance is not None else None,
        )
