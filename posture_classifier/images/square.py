"""A photo becomes a square: which pixels are cut out, and how they are scaled, in whole numbers.

Nothing is left to a version of Pillow, which may crop at half pixels and scale either axis first.
"""

from PIL import Image

Colour = tuple[int, ...]


def crop_to_square(image: Image.Image, size: int, filter_: Image.Resampling) -> Image.Image:
    """Cut out the middle and scale it to (size, size).

    The square has the shorter side, and begins ``(length - side) // 2`` pixels from the left or
    from the top: where the margins cannot be equal, the right or lower one is a pixel wider.
    """
    side = min(image.size)
    left, top = margin(image.width, side), margin(image.height, side)
    if image.width != image.height:
        image = image.crop((left, top, left + side, top + side))
    return scale(image, size, size, filter_)


def pad_to_square(image: Image.Image, size: int, filter_: Image.Resampling, colour: Colour) -> Image.Image:
    """Scale the whole image into (size, size), and fill up with a colour.

    The longer side becomes ``size``, the other ``size * other / longer`` rounded to the nearest
    whole number, halves up, and at least 1. There are ``(size - other) // 2`` rows or columns of
    the colour (R, G and B from 0 to 255) before the image, and the rest after it.
    """
    longer = max(image.size)
    width, height = (max(1, scaled_side(side, longer, size)) for side in image.size)
    square = Image.new("RGB", (size, size), colour)
    square.paste(scale(image, width, height, filter_), (margin(size, width), margin(size, height)))
    return square


def scale(image: Image.Image, width: int, height: int, filter_: Image.Resampling) -> Image.Image:
    """Scale the rows, round them to 8 bits, then scale the columns.

    Pillow 13 takes the order that is faster for the image's shape, and earlier versions this one,
    so that values differ by up to 2.
    """
    return image.resize((width, image.height), filter_).resize((width, height), filter_)


def margin(outer: int, inner: int) -> int:
    """Pixels before something that lies in the middle."""
    return (outer - inner) // 2


def scaled_side(side: int, longer: int, size: int) -> int:
    """The length of a side where the longer one becomes ``size``, rounded, halves up."""
    return (2 * side * size + longer) // (2 * longer)
