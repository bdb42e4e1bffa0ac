"""Whether two files show one picture, stored in another way, or two successive frames of a video.

Frames of a slow video correlate as closely as re-encodings do, so that a correlation cannot tell
them apart. Two things can. Between frames something moves, if only by a tenth of a pixel, and what
moves differs along its edges; and a camera's noise is new in every frame, while saving a picture
again adds no detail that was not there. ``benchmarks/same_picture.py`` measured the bounds.
"""

from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import get_sampling

from posture_classifier.images.decode import decode, open_photo
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.utils.types import Floats

SIDE = 256
"""Most pixels of the longer side at which two pictures are compared."""
BLOCK = 16
"""Pixels a side of the blocks in which brightness and movement may differ."""
MOVED = 0.03
"""Share of the difference that a movement explains, from which it is two frames."""
SHIFTED = 0.4
"""Pixels by which a resized picture may lie elsewhere as a whole."""
NEW_DETAIL = 0.05
"""Share of the fine detail in the plainer picture that the other lacks, from which it is noise of
another frame."""
SAME_VALUES = 0.99
"""Share of the values that saving one picture like the other must give within 2 levels."""
PROPORTIONS = 0.03
"""Relative difference of the proportions up to which one picture may be the other resized."""
Greys = npt.NDArray[np.float32]


class Differences(NamedTuple):
    """How two pictures differ, besides in size and brightness.

    Attributes:
        moved: Share of the difference that movement explains, 0 to 1; of resized pictures, the
            movement of their parts against each other.
        shifted: Pixels by which the whole lies elsewhere.
        new_detail: Share of the fine detail in the plainer picture that is not in the other;
            may be negative where brightness was changed.
    """

    moved: float
    shifted: float
    new_detail: float


def same_picture(one: Path, other: Path, white: WhiteLevels, mirrored: bool = False) -> bool:
    """Whether one file is the other's picture re-encoded, resized or with another brightness.

    Args:
        one: A file that can be read.
        other: Another.
        white: The values that are white in photos of more than 8 bits.
        mirrored: Whether one picture is to be mirrored first.
    """
    first, second = (decode(path, SIDE, white) for path in (one, other))
    first = ImageOps.mirror(first) if mirrored else first
    found = differences(first, second)
    if found is None or found.moved > MOVED or found.shifted > SHIFTED:
        return False
    return found.new_detail < NEW_DETAIL or (not mirrored and (_saved_like(one, other) or _saved_like(other, one)))


def differences(one: Image.Image, other: Image.Image) -> Differences | None:
    """Compare two pictures; None where their proportions differ."""
    if abs(one.width * other.height / (one.height * other.width) - 1) > PROPORTIONS:
        return None
    smaller = min(one, other, key=lambda image: image.width)
    scale = min(1.0, SIDE / max(smaller.size))
    size = (max(BLOCK, round(smaller.width * scale)), max(BLOCK, round(smaller.height * scale)))
    first, second = (np.asarray(image.convert("L").resize(size, Image.Resampling.LANCZOS), np.float32) for image in (one, other))
    seen = (np.minimum(first, second) > 4) & (np.maximum(first, second) < 251)
    seen = cv2.erode(seen.astype(np.uint8), np.ones((3, 3), np.uint8))
    moved, shifted = _movement(first, second, seen, one.size != other.size)
    return Differences(moved, shifted, _new_detail(first, second, seen))


def _blocks(values: npt.NDArray[Any]) -> Floats:
    """Cut a picture (H, W) into blocks (K, P) of P pixels; what is left at the ends is left out."""
    height, width = (side // BLOCK for side in values.shape)
    cut = values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK * BLOCK).astype(np.float64)


def _movement(first: Greys, second: Greys, seen: npt.NDArray[np.uint8], resized: bool) -> tuple[float, float]:
    """Fit movements to the difference: the whole picture's, then each block's.

    A small movement changes a picture by its gradient times the way (Lucas and Kanade 1981).
    """
    weight = _blocks(seen)
    one, two = _blocks(first) * weight, _blocks(second) * weight
    slopes = [_blocks(cv2.Sobel(first, cv2.CV_32F, x, y, scale=1 / 8)) * weight for x, y in ((1, 0), (0, 1))]
    brightness = np.stack([weight, one], axis=-1)
    left = _unexplained(brightness, two)
    rows, columns = (_blocks(place / max(first.shape)) for place in np.mgrid[: first.shape[0], : first.shape[1]])
    ways = [slope * place for slope in slopes for place in (np.ones_like(rows), rows - rows.mean(), columns - columns.mean())]
    whole = np.stack([_unexplained(brightness, way) for way in ways], axis=-1).reshape(-1, len(ways))
    fitted = np.linalg.lstsq(whole, left.ravel(), rcond=None)[0]
    rest = left - (whole @ fitted).reshape(left.shape)
    each = np.stack([_unexplained(brightness, slope) for slope in slopes], axis=-1)
    before = rest if resized else left
    explained = 1 - float((_unexplained(each, rest) ** 2).sum() / max((before**2).sum(), 1e-9))
    return explained, float(np.abs(fitted[[0, 3]]).max())


def _unexplained(columns: Floats, values: Floats) -> Floats:
    """What columns (K, P, C) leave of values (K, P), by least squares in each block."""
    products = columns.swapaxes(1, 2) @ columns + 1e-6 * np.eye(columns.shape[-1])
    fitted = np.linalg.solve(products, columns.swapaxes(1, 2) @ values[..., None])
    result: Floats = values - (columns @ fitted)[..., 0]
    return result


def _new_detail(first: Greys, second: Greys, seen: npt.NDArray[np.uint8]) -> float:
    weight = _blocks(seen)
    smooth = [cv2.GaussianBlur(picture, (0, 0), 0.7) for picture in (first, second)]
    one, two = (_blocks(picture - cv2.GaussianBlur(picture, (0, 0), 1.5)) * weight for picture in smooth)
    gain = float(np.sqrt((two**2).sum() / max((one**2).sum(), 1e-9)))
    own, others, common = ((gain * one) ** 2).mean(1), (two**2).mean(1), (gain * one * two).mean(1)
    # Blocks count alike, whether they have strong edges or none.
    by_block = 1 / (np.maximum(own, others) + 0.1)
    return 1 - float((by_block * common).sum() / max((by_block * np.minimum(own, others)).sum(), 1e-9))


def _saved_like(one: Path, other: Path) -> bool:
    """Whether saving one picture with the other JPEG's tables gives the other JPEG's pixels."""
    with open_photo(one) as picture, open_photo(other) as model:
        if picture.size != model.size or model.format != "JPEG" or model.mode not in ("RGB", "L"):
            return False
        buffer = BytesIO()
        options = {"qtables": model.quantization, "subsampling": get_sampling(model)}  # type: ignore[attr-defined]
        picture.convert(model.mode).save(buffer, "JPEG", **options)
        again, pixels = (np.asarray(image, np.int16) for image in (Image.open(buffer), model))
    return float((np.abs(again - pixels) <= 2).mean()) >= SAME_VALUES
