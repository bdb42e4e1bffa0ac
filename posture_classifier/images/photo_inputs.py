"""What Python code may give as a photo: a file, its bytes, a Pillow image or an array."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from posture_classifier.images.decode import fetched
from posture_classifier.images.photo_source import RemotePhoto
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import one_line

Photo = str | Path | bytes | Image.Image | npt.NDArray[Any] | RemotePhoto
"""A photo: a file, the bytes of one, a Pillow image, an array, or an object that a table names.

An array is (H, W) or (H, W, 1) of greys, (H, W, 3) of RGB or (H, W, 4) of RGB and opacity; its
values are uint8, or floating-point numbers from 0 (black) to 1 (white)."""
URL = re.compile(r"data:|[A-Za-z][A-Za-z0-9+.-]+:/")
"""The beginning of a URL; a drive of Windows has one letter. ``Path`` leaves one slash of two."""
CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
"""Pillow's mode for each number of channels that an array may have."""
EXPECTED = "a photo is a path, the bytes of a file, a Pillow image, or an array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)"


def as_photos(photos: Photo | Iterable[Photo]) -> tuple[bool, Iterable[Photo]]:
    """Tell one photo from several.

    An array (N, H, W, C) is N photos, as is every other iterable: a list, a generator, a column of
    a table.

    Returns:
        Whether it is one photo, and an iterable of the photos.

    Raises:
        UserError: It is neither a photo nor an iterable.

    Example:
        >>> as_photos("a.jpg"), as_photos(["a.jpg", "b.jpg"])
        ((True, ['a.jpg']), (False, ['a.jpg', 'b.jpg']))
    """
    if isinstance(photos, (str, Path, bytes, Image.Image, RemotePhoto)):
        return True, [photos]
    if isinstance(photos, np.ndarray):
        several = photos.ndim == 4 or (photos.ndim > 0 and photos.dtype.kind in "UO")
        return (False, photos) if several else (True, [photos])
    if _is_tensor(photos) or not isinstance(photos, Iterable):
        raise UserError(_describe_stranger(photos))
    return False, photos


def load_photo(photo: Photo) -> str | Path | bytes | Image.Image:
    """Check a photo; an array becomes an image of 8 bits.

    Raises:
        DecodeError: It is an object that cannot be fetched.
        UserError: It is a URL, an array of another shape, type or range, or something else.

    Example:
        >>> load_photo(np.ones((20, 30))).getpixel((0, 0))
        255
    """
    if isinstance(photo, (str, Path)):
        if not URL.match(str(photo)):
            return photo
        if not Path(photo).exists():
            raise UserError(
                f"{one_line(str(photo))[:100]} is a URL, and no photo is fetched from a network; download it and give the file"
            )
        return Path(photo)  # what is no string is never fetched
    if isinstance(photo, RemotePhoto):
        return fetched(photo.url)
    if isinstance(photo, (bytes, Image.Image)):
        return photo
    if isinstance(photo, np.ndarray):
        return _image_of(photo)
    raise UserError(_describe_stranger(photo))


def _image_of(array: npt.NDArray[Any]) -> Image.Image:
    channels = 1 if array.ndim == 2 else array.shape[-1] if array.ndim == 3 else 0
    if channels not in CHANNELS or 0 in array.shape:
        raise UserError(
            f"an array of a photo must be (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA; this one is {array.shape}"
        )
    if array.dtype.kind == "f":
        low, high = float(array.min()), float(array.max())  # NaN, if there is one
        if not (low >= 0 and high <= 1):
            raise UserError(
                f"an array of floating-point numbers must be from 0 (black) to 1 (white); this one is from {low:g} to {high:g}; "
                "divide it by its white, or convert it to uint8"
            )
        array = np.rint(array * 255).astype(np.uint8)
    if array.dtype != np.uint8:
        raise UserError(f"an array of a photo must be uint8, or floating-point numbers from 0 to 1; this one is {array.dtype}")
    pixels = array.reshape(*array.shape[:2], channels).squeeze(2) if channels == 1 else array
    return Image.fromarray(np.ascontiguousarray(pixels))


def _describe_stranger(value: Any) -> str:
    if _is_tensor(value):
        return f"a tensor {tuple(value.shape)} does not say its range and its order of axes; give an array, such as (H, W, 3) uint8"
    return f"{EXPECTED}; this is {type(value).__name__}"


def _is_tensor(value: Any) -> bool:
    return type(value).__module__ == "torch" and hasattr(value, "detach")
