"""Whether two files show one picture, stored in another way, or two successive frames of a video.

Frames of a slow video correlate as closely as re-encodings do, so that a correlation cannot tell
them apart. Two things can. Between frames something moves, if only by a tenth of a pixel, and what
moves differs along its edges; and a camera's noise is new in every frame, while saving a picture
again adds no detail that was not there. ``benchmarks/same_picture.py`` measured the bounds.
"""

from collections.abc import Callable
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
WAY = 0.02
"""Pixels that it must be besides: where hardly anything differs, a movement explains what does."""
PLAINLY_MOVED, PLAIN_WAY = 0.1, 0.05
"""The same for sketches of 64 pixels, where it is certain: re-encodings reached 0.03 and 0.04."""
SHIFTED = 0.4
"""Pixels by which a resized picture may lie elsewhere as a whole."""
NEW_DETAIL = 0.03
"""Share of the fine detail in the plainer picture that the other lacks, from which it is noise of
another frame."""
SAME_VALUES = 0.99
"""Share of the values that saving one picture like the other must give within 2 levels."""
BLACK, WHITE = 4, 251
"""Grey values beyond which brightness may have been cut off."""
PROPORTIONS = 0.03
"""Relative difference of the proportions up to which one picture may be the other resized."""
RIDGE = 1e-6
"""Makes least squares solvable where a block is flat."""
Greys = npt.NDArray[np.float32]
Sketch = npt.NDArray[np.uint8]


class Differences(NamedTuple):
    """How two pictures differ, besides in size and brightness.

    Attributes:
        moved: Share of the difference that movement explains, 0 to 1; of resized pictures, the
            movement of their parts against each other.
        way: Pixels of that movement, on average over the edges.
        shifted: Pixels by which the whole lies elsewhere.
        new_detail: Share of the fine detail in the plainer picture that is not in the other;
            may be negative where brightness was changed.
    """

    moved: float
    way: float
    shifted: float
    new_detail: float


def read_grey(path: Path, white: WhiteLevels) -> Image.Image:
    """Read a photo as grey, twice as large as two are compared."""
    image = decode(path, SIDE, white).convert("L")
    image.thumbnail((2 * SIDE, 2 * SIDE), Image.Resampling.LANCZOS)
    return image


def same_picture(one: Path, other: Path, read: Callable[[Path], Image.Image], mirrored: bool = False) -> bool:
    """Whether one file is the other's picture re-encoded, resized or with another brightness.

    ``read`` gives what ``read_grey`` does; it may keep some. With ``mirrored`` one picture is
    mirrored first.
    """
    first = ImageOps.mirror(read(one)) if mirrored else read(one)
    found = differences(first, read(other))
    if found is None or (found.moved > MOVED and found.way > WAY) or found.shifted > SHIFTED:
        return False
    return found.new_detail < NEW_DETAIL or (not mirrored and (_saved_like(one, other) or _saved_like(other, one)))


def plainly_moved(one: Sketch, other: Sketch) -> bool:
    """Whether the sketches (64, 64) of two files of one size show already that something moved.

    It spares decoding most pairs of a video, of which each frame is like many others.
    """
    found = differences(Image.fromarray(one), Image.fromarray(other))
    return found is not None and found.moved > PLAINLY_MOVED and found.way > PLAIN_WAY


def differences(one: Image.Image, other: Image.Image) -> Differences | None:
    """Compare two grey pictures; None where their proportions differ."""
    if abs(one.width * other.height / (one.height * other.width) - 1) > PROPORTIONS:
        return None
    smaller = min(one, other, key=lambda image: image.width)
    scale = min(1.0, SIDE / max(smaller.size))
    size = (max(BLOCK, round(smaller.width * scale)), max(BLOCK, round(smaller.height * scale)))
    first, second = (np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32) for image in (one, other))
    # What is black or white in one picture may be anything in the other.
    inside = (np.minimum(first, second) > BLACK) & (np.maximum(first, second) < WHITE)
    seen = np.asarray(cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)), dtype=np.uint8)
    moved, way, shifted = _movement(first, second, seen, one.size != other.size)
    return Differences(moved, way, shifted, _new_detail(first, second, seen))


def _blocks(values: npt.NDArray[Any]) -> Floats:
    """Cut a picture (H, W) into blocks (K, P) of P pixels; what is left at the ends is left out."""
    height, width = (side // BLOCK for side in values.shape)
    cut = values[: height * BLOCK, : width * BLOCK].reshape(height, BLOCK, width, BLOCK)
    return cut.swapaxes(1, 2).reshape(-1, BLOCK * BLOCK).astype(np.float64)


def _movement(first: Greys, second: Greys, seen: npt.NDArray[np.uint8], resized: bool) -> tuple[float, float, float]:
    """Fit movements to the difference: the whole picture's, then each block's.

    A small movement changes a picture by its gradient times the way (Lucas and Kanade 1981).
    """
    weight = _blocks(seen)
    one, two = _blocks(first) * weight, _blocks(second) * weight
    slopes = [_blocks(cv2.Sobel(first, cv2.CV_32F, x, y, scale=1 / 8)) * weight for x, y in ((1, 0), (0, 1))]
    rows, columns = (_blocks(place / max(first.shape)) for place in np.mgrid[: first.shape[0], : first.shape[1]])
    ways = [slope * place for slope in slopes for place in (np.ones_like(rows), rows - rows.mean(), columns - columns.mean())]
    left = _unexplained(np.stack([weight, one], axis=-1), np.stack([two, *ways], axis=-1))
    difference, whole = left[..., 0], left[..., 1:]
    flat = whole.reshape(-1, len(ways))
    fitted = np.linalg.solve(flat.T @ flat + RIDGE * np.eye(len(ways)), flat.T @ difference.ravel())
    rest = difference - whole @ fitted
    unexplained = _unexplained(whole[..., [0, 3]], rest[..., None])
    before = rest if resized else difference
    explained = float((before**2).sum() - (unexplained**2).sum())
    way = float(np.sqrt(max(explained, 0.0) / max(float((whole[..., [0, 3]] ** 2).sum()), 1e-9)))
    return explained / max(float((before**2).sum()), 1e-9), way, float(np.abs(fitted[[0, 3]]).max())


def _unexplained(columns: Floats, values: Floats) -> Floats:
    """What columns (K, P, C) leave of values (K, P, V), by least squares in each block."""
    across = columns.swapaxes(1, 2)
    result: Floats = values - columns @ np.linalg.solve(across @ columns + RIDGE * np.eye(columns.shape[-1]), across @ values)
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
