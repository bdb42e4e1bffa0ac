"""Photos of more than 8 bits a value: which of their values is white, and how they become 8 bits.

Their files do not say it: a camera's 12 bits lie in 16-bit files, and floating-point numbers may
mean anything. So white is measured over a whole data set and kept with the network. By its own
brightest value each photo would get a scale of its own.

Of colours in 16 bits Pillow keeps the upper 8 alone, which are all 0 where a camera used 12, so
OpenCV reads them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import Base

from posture_classifier.images.strips import convert_strips

Values = npt.NDArray[Any]
Colours = npt.NDArray[np.uint16]


class WhiteLevels(NamedTuple):
    """The values that are white in photos of more than 8 bits; 0 is black.

    The defaults are what the formats say.

    Attributes:
        integer: White of whole numbers, as in a 16-bit PNG or TIFF.
        floating: White of floating-point numbers, as in a float TIFF.
    """

    integer: float = 65535.0
    floating: float = 1.0


FULL_RANGE = WhiteLevels()
OVERSHOOT = 1.1
"""Resampling may leave values a little above white, which is 1 all the same."""
BRIGHT_SHARE = 0.999
"""Quantile that stands for the largest of many floating-point numbers, of which a few may be
anything."""


def is_deep(mode: str) -> bool:
    """Whether an image of this mode of Pillow has more than 8 bits a value."""
    return mode.startswith(("I", "F"))


def to_8_bits(image: Image.Image, white: WhiteLevels | None) -> Image.Image:
    """Convert an image of more than 8 bits to 8-bit grey.

    NaN is black; infinite values are white or black, by their sign.

    Args:
        image: An image whose mode ``is_deep``.
        white: The values that are white; None is the scale of networks that were trained before
            there was one for all photos: 65535 unless no value of the photo exceeds 255, or 1
            unless one exceeds it.
    """
    convert = _by_own_values(image) if white is None else _by_white(white.floating if image.mode == "F" else white.integer)

    def convert_strip(strip: Image.Image) -> Image.Image:
        return Image.fromarray(np.nan_to_num(convert(np.asarray(strip)), nan=0).astype(np.uint8))

    return convert_strips(image, "L", convert_strip)


def _by_white(white: float) -> Callable[[Values], Values]:
    return lambda values: np.rint((values.astype(np.float32) * np.float32(255 / white)).clip(0, 255))


def _by_own_values(image: Image.Image) -> Callable[[Values], Values]:
    highest = np.asarray(image).max(initial=0)  # NaN, if there is one
    if image.mode == "F":
        return lambda values: (values.astype(np.float64) * (255 if highest <= 1 else 1)).clip(0, 255)
    return lambda values: (values.astype(np.float64) / (257 if highest > 255 else 1)).clip(0, 255)


def bright_value(image: Image.Image) -> float:
    """The value that is among the brightest of a photo of more than 8 bits; 0 if it has none.

    It is the largest whole number, but the 99.9 % quantile of finite floating-point numbers.

    Args:
        image: An opened image, which was not loaded yet if it has colours.
    """
    if is_deep_colour(image):
        colours = _load_colours(image)
        return 0.0 if colours is None else float(colours[..., :3].max())
    values = np.asarray(image)
    if image.mode != "F":
        return float(values.max(initial=0))
    finite = values[np.isfinite(values)]
    return float(np.quantile(finite, BRIGHT_SHARE)) if finite.size else 0.0


def white_levels(integer: float | None, floating: float | None) -> WhiteLevels:
    """Choose what is white from the brightest values of a data set.

    Args:
        integer: Largest ``bright_value`` of the photos with whole numbers; None if there is none.
        floating: Largest ``bright_value`` of the photos with floating-point numbers, or None.

    Returns:
        White is the largest number of as many bits as are used, at least 8. Floating-point numbers
        up to 1 have it at 1; if they are up to 127 they have no usual scale, and the brightest is
        white.

    Example:
        >>> white_levels(integer=4000, floating=0.97)
        WhiteLevels(integer=4095.0, floating=1.0)
    """
    whole = FULL_RANGE.integer if integer is None else _largest_of_depth(integer)
    if floating is None or floating <= OVERSHOOT:
        return WhiteLevels(whole, FULL_RANGE.floating)
    return WhiteLevels(whole, floating if floating <= 127 else _largest_of_depth(floating))


def _largest_of_depth(value: float) -> float:
    return float(2 ** max(8, int(value).bit_length()) - 1)


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an opened image, which was not loaded yet, stores its colours in 16 bits."""
    raw_modes = [str(tile[3]) for tile in image.tile] if image.mode in ("RGB", "RGBA", "LA") else []  # type: ignore[attr-defined]
    return any(";16" in raw_mode for raw_mode in raw_modes)


def _load_colours(image: Image.Image) -> Colours | None:
    """Load an opened image, and return its colours (H, W, 3 or 4) as the file has them.

    They are RGB, or RGB and opacity; None where OpenCV cannot read what Pillow can.
    """
    import cv2

    file: Any = image.fp  # type: ignore[attr-defined]
    position = file.tell()
    file.seek(0)
    content = np.frombuffer(file.read(), dtype=np.uint8)
    file.seek(position)
    image.load()  # finds what is damaged
    found = cv2.imdecode(content, cv2.IMREAD_UNCHANGED)
    if found is None or found.dtype != np.uint16 or found.shape[:2] != image.size[::-1] or found.shape[2:] not in ((3,), (4,)):
        return None
    order = cv2.COLOR_BGR2RGB if found.shape[2] == 3 else cv2.COLOR_BGRA2RGBA
    return cv2.cvtColor(found, order).astype(np.uint16, copy=False)


def colours_to_8_bits(image: Image.Image, white: WhiteLevels | None) -> Image.Image:
    """Convert an opened image of 16-bit colours to 8 bits with its EXIF orientation.

    Any other image stays as it is; without ``white`` also this one, as in old checkpoints.
    """
    colours = _load_colours(image) if white is not None and is_deep_colour(image) else None
    if white is None or colours is None:
        return image
    pixels = np.empty(colours.shape, dtype=np.uint8)
    scale = np.full(colours.shape[2], 255 / white.integer, dtype=np.float32)
    scale[3:] = 255 / 65535  # opacity has no white
    for row, values in zip(pixels, colours, strict=True):
        row[:] = np.rint((values * scale).clip(0, 255))
    result = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[Base.Orientation] = image.getexif().get(Base.Orientation, 1)
    result.info["exif"] = exif.tobytes()
    return result
