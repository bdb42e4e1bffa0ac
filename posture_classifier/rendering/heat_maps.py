"""A photo with what speaks for its class lit up."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image

from posture_classifier.images.decode import Source, decode
from posture_classifier.images.preprocessing import Preprocessing

SIDE = 640
"""Most pixels along the side of a picture, which can be enlarged."""
MAP_OPACITY = 0.6
"""Share of the map in a picture; the rest is the photo in grey."""


def sharp_square(photo: Source, preprocessing: Preprocessing) -> npt.NDArray[np.uint8]:
    """What the network sees of a photo (T, T, 3), sharper than it sees it: T is at most ``SIDE``.

    Raises:
        DecodeError: The photo cannot be read.
    """
    image = decode(photo, SIDE, preprocessing.white)
    longest = (min if preprocessing.resize == "crop" else max)(image.size)
    return replace(preprocessing, image_size=min(SIDE, longest)).square(image)


def overlay(square: npt.NDArray[np.uint8], heat: npt.NDArray[np.float32]) -> Image.Image:
    """Lay a map (S, S) over a photo (T, T, 3) in grey."""
    larger = np.asarray(Image.fromarray(heat).resize(square.shape[1::-1], Image.Resampling.BILINEAR))
    # Inferno's lightness rises evenly, so that it is read without colour too.
    colours = 255 * colormaps["inferno"](larger)[..., :3]
    mixed = MAP_OPACITY * colours + (1 - MAP_OPACITY) * square.mean(axis=2, keepdims=True)
    return Image.fromarray(mixed.astype(np.uint8))
