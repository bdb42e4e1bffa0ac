"""Drawn photos of odd shapes, and digests of the squares that they become."""

import hashlib
import json
import sys

import numpy as np
import numpy.typing as npt
import PIL
from PIL import Image

from posture_classifier.images.preprocessing import Preprocessing

SHAPES = [(1, 1), (1, 40), (40, 1), (2, 3), (17, 40), (90, 175), (150, 200), (201, 150), (256, 3), (40, 40), (41, 40), (240, 97)]
"""Height and width; Pillow 13 scales the columns of some of them first, given the choice."""
LARGE = (3000, 4000)
"""A photo of 12 megapixels."""


def drawn(height: int, width: int) -> npt.NDArray[np.uint8]:
    """Noise (H, W, 3) that is the same for every version of NumPy."""
    numbers = np.arange(height * width * 3, dtype=np.uint64).reshape(height, width, 3) + np.uint64(1)
    mixed = (numbers * np.uint64(0x9E3779B97F4A7C15)) ^ (numbers * np.uint64(0xBF58476D1CE4E5B9) >> np.uint64(29))
    return (mixed >> np.uint64(56)).astype(np.uint8)


def digest(preprocessing: Preprocessing, shapes: list[tuple[int, int]]) -> str:
    """Hash the squares of drawn photos (BLAKE2b, 16 hexadecimal digits)."""
    squares = [preprocessing.square(Image.fromarray(drawn(*shape))).tobytes() for shape in shapes]
    return hashlib.blake2b(b"".join(squares), digest_size=8).hexdigest()


def preprocessings() -> dict[str, Preprocessing]:
    """The present version, by each filter and way to a square."""
    filters = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
    return {
        f"{resize} {filter_}": Preprocessing(40, (0.485, 0.456, 0.406), (0.5, 0.5, 0.5), filter_, resize)
        for resize in ("crop", "pad")
        for filter_ in filters
    }


def main() -> None:
    """Print the version of Pillow, digests of drawn photos, and of the files that are named."""
    digests = {name: digest(preprocessing, SHAPES) for name, preprocessing in preprocessings().items()}
    for path in sys.argv[1:]:
        squares = [preprocessing.read(path).tobytes() for preprocessing in preprocessings().values()]
        digests[path] = hashlib.blake2b(b"".join(squares), digest_size=8).hexdigest()
    print(json.dumps({"pillow": PIL.__version__, "digests": digests}))


if __name__ == "__main__":
    main()
