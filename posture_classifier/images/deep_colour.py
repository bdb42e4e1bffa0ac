"""Colour photos of 16 bits: Pillow keeps their upper 8, which are all 0 where a camera used 12."""

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.ExifTags import Base

Colours = npt.NDArray[np.uint16]


def is_deep_colour(image: Image.Image) -> bool:
    """Whether an opened image, which was not loaded yet, stores its colours in 16 bits."""
    raw_modes = [str(tile[3]) for tile in image.tile] if image.mode in ("RGB", "RGBA", "LA") else []  # type: ignore[attr-defined]
    return any(";16" in raw_mode for raw_mode in raw_modes)


def load_deep_colour(image: Image.Image) -> Colours | None:
    """Load an opened image, and return its colours (H, W, 3 or 4) as the file has them.

    Returns:
        RGB, or RGB and opacity; None where OpenCV cannot read what Pillow can.
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


def to_8_bit_colour(colours: Colours, white: float, like: Image.Image) -> Image.Image:
    """Convert colours (H, W, 3 or 4) to an 8-bit image with the EXIF orientation of another."""
    pixels = np.empty(colours.shape, dtype=np.uint8)
    scale = np.full(colours.shape[2], 255 / white, dtype=np.float32)
    scale[3:] = 255 / 65535  # opacity has no white
    for row, values in zip(pixels, colours, strict=True):
        row[:] = np.rint((values * scale).clip(0, 255))
    image = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[Base.Orientation] = like.getexif().get(Base.Orientation, 1)
    image.info["exif"] = exif.tobytes()
    return image
