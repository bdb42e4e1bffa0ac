"""An uploaded photo: decoded, turned upright, and encoded anew without what else the file said."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

from posture_classifier.app.errors import Refusal
from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.facts import sketch

MOST_BYTES = 40 * 1024 * 1024
"""Bytes of an uploaded photo, at most."""
LONGEST_SIDE = 2048
"""Pixels of the longer side of a saved photo; networks look at a few hundred."""
SHORTEST_SIDE = 32
QUALITY = 95
"""JPEG quality of every saved photo, so that it does not tell cameras or classes apart."""


@dataclass(frozen=True)
class CleanPhoto:
    """A photo as it is saved.

    Attributes:
        content: The bytes of a JPEG, without EXIF, and so without place, time and camera.
        sketch: (64, 64) grey picture by which near-copies are found.
    """

    content: bytes
    sketch: npt.NDArray[np.uint8]


def clean_photo(uploaded: bytes) -> CleanPhoto:
    """Decode an upload, and encode what it shows.

    Raises:
        Refusal: It is no photo that can be read in full (400), or it is tiny.
    """
    try:
        image = decode(uploaded, LONGEST_SIDE)
    except DecodeError as error:
        raise Refusal(400, f"That cannot be read as a photo: {error}.") from error
    if min(image.size) < SHORTEST_SIDE:
        raise Refusal(400, f"That photo is too small: it needs {SHORTEST_SIDE} pixels a side.")
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    # A new image, since Pillow would write along what the old one's file said.
    plain = Image.frombytes("RGB", image.size, image.tobytes())
    encoded = BytesIO()
    plain.save(encoded, "JPEG", quality=QUALITY, subsampling=0)
    return CleanPhoto(encoded.getvalue(), sketch(plain))
