"""Classifies photos with an exported model: ``ExportedClassifier.load("model.onnx")``."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import overload

import numpy as np
from PIL import Image

from posture_classifier.export.formats import NAME, OpenArtifact, format_names, format_of, load_format
from posture_classifier.export.metadata import evaluation_of
from posture_classifier.images.decode import DecodeError, decode, upright_rgb
from posture_classifier.images.photo_inputs import Photo, as_photos, load_photo
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.inference import Prediction
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist
from posture_classifier.utils.threads import map_in_threads

REFUSED = ".refused"
"""Ending of what failed its proof; nothing opens it."""


def is_artifact(path: Path) -> bool:
    """Whether a path is that of an exported model rather than of a checkpoint, by its name."""
    return path.suffix == REFUSED or format_of(path) is not None


class ExportedClassifier:
    """An exported model with its class names and figures, used as ``Classifier`` is.

    Args:
        artifact: The opened artifact.

    Example:
        >>> ExportedClassifier.load("best.onnx")
        Traceback (most recent call last):
        posture_classifier.utils.errors.UserError: best.onnx does not exist
    """

    def __init__(self, artifact: OpenArtifact) -> None:
        self._run = artifact
        self.metadata = artifact.metadata
        self.class_names = list(self.metadata["classes"])
        self.evaluation = evaluation_of(self.metadata)
        self.preprocessing = Preprocessing.from_dict(self.metadata["preprocessing"])

    @classmethod
    def load(cls, path: str | Path) -> "ExportedClassifier":
        """Open what ``export`` wrote: a file, or the folder that it lies in.

        Raises:
            UserError: It is missing, damaged, refused or another program's, or its format needs
                packages that are not installed.
        """
        path = _find(Path(path))
        if path.suffix == REFUSED:
            raise UserError(f"{path} failed its proof: it does not answer as its checkpoint does; use the checkpoint")
        name = format_of(path)
        if name is None:
            raise UserError(f"{path} is no exported model; give a file that export wrote ({', '.join(format_names())})")
        if not path.exists():
            raise UserError(f"{path} does not exist")
        return cls(load_format(name).open(path))

    def __repr__(self) -> str:
        classes = shortlist([repr(name) for name in self.class_names], 10)
        network = f"{self.metadata['backbone']} at {self.preprocessing.image_size} px"
        return f"<ExportedClassifier of {classes}: {network}; {self.evaluation or 'accuracy not measured'}>"

    @overload  # a text is an iterable of texts, too
    def predict(self, photos: Photo, batch_size: int | None = None) -> Prediction: ...  # type: ignore[overload-overlap]

    @overload
    def predict(self, photos: Iterable[Photo], batch_size: int | None = None) -> list[Prediction]: ...

    def predict(self, photos: Photo | Iterable[Photo], batch_size: int | None = None) -> Prediction | list[Prediction]:
        """Classify one photo or many; the prediction of one that cannot be read has its ``error``.

        Args:
            photos: A photo, or an iterable of photos, as ``Classifier.predict`` takes them.
            batch_size: As in ``stream``.

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
        """Classify photos one by one in order, on all cores.

        Args:
            photos: Photos as ``predict`` takes them, any number; they are taken as they are needed.
            batch_size: Taken so that a ``Classifier`` can stand here; each photo goes through the
                network by itself.

        Raises:
            UserError: ``batch_size`` is below 1, or a photo is none of what a photo can be.
        """
        if batch_size is not None and batch_size < 1:
            raise UserError(f"batch_size is {batch_size}, but must be at least 1")
        yield from map_in_threads(self._classify, as_photos(photos)[1])

    def _classify(self, photo: Photo) -> Prediction:
        path = str(photo) if isinstance(photo, (str, Path)) else ""
        loaded = load_photo(photo)
        try:
            if isinstance(loaded, Image.Image):
                image = upright_rgb(loaded, self.preprocessing.white)
            else:
                image = decode(loaded, self.preprocessing.image_size, self.preprocessing.white)
        except (DecodeError, OSError) as error:  # the latter of a Pillow image, which is only read now
            return Prediction(path, error=str(error))
        values, distance = self._run(np.asarray(image))
        probabilities = dict(zip(self.class_names, values.tolist(), strict=True))
        label = max(probabilities, key=lambda name: probabilities[name])
        abstention, familiarity = self.metadata["abstention"], self.metadata["familiarity"]
        return Prediction(
            path,
            label,
            probabilities[label],
            probabilities,
            sure=probabilities[label] >= abstention["threshold"] if abstention else None,
            distance=distance,
            familiar=distance <= familiarity["threshold"] if familiarity and distance is not None else None,
        )


def _find(path: Path) -> Path:
    """The artifact in a folder; a path that is none is taken as it is."""
    if not path.is_dir() or format_of(path):
        return path
    found = [file for file in sorted(path.glob(f"{NAME}.*")) if format_of(file)]
    if not found:
        raise UserError(f"{path} holds no exported model; give the folder that export wrote, or the file in it")
    return found[0]
