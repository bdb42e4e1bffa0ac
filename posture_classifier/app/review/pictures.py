"""Photos as the page shows them: upright JPEGs without what a camera wrote into the file."""

from io import BytesIO
from typing import Literal

from PIL import Image

from posture_classifier.images.decode import decode

SIDES: dict[str, int] = {"large": 1600, "small": 480}
"""Most pixels along a side."""
QUALITY = 88
Size = Literal["large", "small"]


def jpeg(file: str, size: Size) -> bytes:
    """Encode a photo anew: its pixels alone, so that no position or camera goes with it.

    Raises:
        DecodeError: It cannot be read.
    """
    side = SIDES[size]
    image = decode(file, side)
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    Image.frombytes("RGB", image.size, image.tobytes()).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
