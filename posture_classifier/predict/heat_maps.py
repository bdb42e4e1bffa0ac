"""Pictures of the places in new photos that spoke for their labels."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from posture_classifier.images.decode import DecodeError, Source, fetched
from posture_classifier.inference import Classifier
from posture_classifier.models.grad_cam import explain_squares, is_flat
from posture_classifier.rendering.heat_maps import overlay, sharp_square
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural

QUALITY = 90
LONGEST_STEM = 100
"""Letters of a photo's name in that of its picture; file systems take 255 bytes."""


class HeatMaps:
    """Writes a picture of each photo: what the network sees of it, and beside it the map.

    Nothing of a photo's file goes into a picture but its pixels: no EXIF, and so no place.

    Args:
        classifier: The network.
        folder: A folder for the pictures, made if it is not there.

    Raises:
        UserError: The network has no layer that keeps places apart, so that there are no maps.
    """

    def __init__(self, classifier: Classifier, folder: Path) -> None:
        self._model, self._classes, self._folder = classifier.model, classifier.class_names, folder
        self._written = self._flat = 0
        size = self._model.preprocessing.image_size
        noise = np.random.default_rng(0).integers(0, 256, (size, size, 3), dtype=np.uint8)
        if explain_squares(self._model, [noise], [0]) is None:
            raise UserError(
                f"{self._model.hparams['backbone']} has no layer that keeps places in a photo apart, so that --explain has nothing "
                "to show; leave it out"
            )
        folder.mkdir(exist_ok=True)

    def write(self, photos: Sequence[tuple[str, str | None]]) -> list[str | None]:
        """Write the pictures of some photos, and return their names.

        Args:
            photos: File or URL, and label of each; without a label it could not be read.

        Returns:
            The name of each picture; None where the photo could not be read, or its map would be
            lit all over and tell nothing.
        """
        sources, squares = {}, {}
        for number, (path, label) in enumerate(photos):
            if label is not None:
                try:
                    sources[number] = fetched(path)
                    squares[number] = self._model.preprocessing.read(sources[number])
                except DecodeError:  # it is gone since it was classified
                    continue
        if not squares:
            return [None] * len(photos)
        labels = [self._classes.index(str(photos[number][1])) for number in squares]
        maps = explain_squares(self._model, list(squares.values()), labels)
        flat = [True] * len(squares) if maps is None else is_flat(maps).tolist()
        lit = {number: maps[i] for i, number in enumerate(squares) if maps is not None and not flat[i]}
        self._flat += len(squares) - len(lit)
        return [
            self._picture(path, sources[number], lit[number]) if number in lit else None for number, (path, _) in enumerate(photos)
        ]

    def _picture(self, path: str, source: Source, heat: torch.Tensor) -> str | None:
        try:
            square = sharp_square(source, self._model.preprocessing)
        except DecodeError:
            return None
        side = len(square)
        both = Image.new("RGB", (2 * side, side))
        both.paste(Image.fromarray(square), (0, 0))
        both.paste(overlay(square, heat.numpy()), (side, 0))
        name = picture_name(path)
        both.save(self._folder / name, quality=QUALITY)
        self._written += 1
        return name

    def __str__(self) -> str:
        said = f"{plural(self._written, 'heat map')} in {self._folder}: left what the network sees, right what spoke for the label"
        if self._flat:
            said += f"; {plural(self._flat, 'photo has', 'photos have')} none, since all of it would be lit"
        return said


def picture_name(path: str) -> str:
    """The name of a photo's picture: photos of one name in two folders have different ones.

    Example:
        >>> picture_name("anna/1.png"), picture_name("ben/1.png")
        ('1-5cb67deb7e29.jpg', '1-54b4ba2b46a5.jpg')
    """
    digest = hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=6).hexdigest()
    stem = Path(path).stem.encode(errors="surrogateescape").decode(errors="replace")
    return f"{stem.encode()[:LONGEST_STEM].decode(errors='ignore')}-{digest}.jpg"
