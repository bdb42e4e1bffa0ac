"""Converts an image a few rows at a time, so that what is between takes no memory."""

from collections.abc import Callable

from PIL import Image

PIXELS = 2**20
"""Pixels of a strip, at most, unless one row has more."""


def convert_strips(image: Image.Image, mode: str, convert: Callable[[Image.Image], Image.Image]) -> Image.Image:
    """Make an image of another mode from strips of the full width, each converted by itself.

    Example:
        >>> convert_strips(Image.new("L", (40, 30), 200), "RGB", lambda strip: strip.convert("RGB"))
        <PIL.Image.Image image mode=RGB size=40x30 at ...>
    """
    result = Image.new(mode, image.size)
    rows = max(1, PIXELS // max(1, image.width))
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        result.paste(convert(image.crop(box)), box)
    return result
