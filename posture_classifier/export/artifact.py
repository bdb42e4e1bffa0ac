"""Classifies photos with an exported model: ``ExportedClassifier.load("model.onnx")``."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from posture_classifier.export.formats import NAME, OpenArtifact, format_of, load_format, missing_packages
from posture_classifier.export.metadata import evaluation_of
from posture_classifier.images.decode import DecodeError, decode, upright_rgb
from posture_classifier.images.photo_inputs import Photo, load_photo
from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.inference import PhotoClassifier, Prediction
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.threads import map_in_threads

AGREEMENT_JSON = "agreement.json"
"""The proof, in the folder of an export."""
REFUSED = ".refused"
"""Ending of what failed its proof; nothing opens it."""


def is_artifact(path: Path) -> bool:
    """Whether a path is that of an exported model rather than of a checkpoint, by its name."""
    return path.suffix == REFUSED or format_of(path) is not None


def find_artifact(path: Path) -> Path | None:
    """The exported model that a path stands for.

    Args:
        path: A file, which is taken as it is; or the folder that ``export`` wrote.

    Returns:
        Of several models in a folder one whose format's packages are installed; None where the path
        stands for something else, such as a run.

    Raises:
        UserError: The folder has exports, but no model that can be opened.
    """
    if is_artifact(path):
        return path
    if not path.is_dir() or (path / "checkpoints").is_dir():
        return None
    found = _artifacts(path)
    if runnable := [file for file in found if not missing_packages(str(format_of(file)))]:
        return runnable[0]
    if found:
        load_format(str(format_of(found[0])))  # says what it needs
    if refused := sorted(path.rglob(f"{NAME}.*{REFUSED}")):
        return refused[0]
    if several := [folder for folder in sorted(path.iterdir()) if folder.is_dir() and _artifacts(folder)]:
        raise UserError(f"{path} holds {plural(len(several), 'export')}; give one of them, such as {several[0]}")
    if (path / AGREEMENT_JSON).is_file():
        raise UserError(f"{path} holds an export whose model is gone; export the checkpoint again")
    return None


def _artifacts(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.glob(f"{NAME}.*")) if format_of(file)]


class ExportedClassifier(PhotoClassifier):
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
        found = find_artifact(Path(path))
        if found is None:
            raise UserError(f"{path} is no exported model; give what export wrote: its folder or a file in it")
        name = format_of(found)
        if name is None:
            raise UserError(f"{found} failed its proof: it does not answer as its checkpoint does; use the checkpoint")
        if not found.exists():
            raise UserError(f"{found} does not exist")
        return cls(load_format(name).open(found))

    def __repr__(self) -> str:
        classes = shortlist([repr(name) for name in self.class_names], 10)
        network = f"{self.metadata['backbone']} at {self.preprocessing.image_size} px"
        return f"<ExportedClassifier of {classes}: {network}; {self.evaluation or 'accuracy not measured'}>"

    def _stream(self, photos: Iterable[Photo], batch_size: int | None) -> Iterator[Prediction]:
        return map_in_threads(self._classify, photos)

    def _classify(self, photo: Photo) -> Prediction:
        path = str(photo) if isinstance(photo, (str, Path)) else ""
        try:
            loaded = load_photo(photo)
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
