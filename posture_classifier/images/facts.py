"""Facts about one photo that need no network: its header, its light and a small grey sketch."""

import math
import os
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from posture_classifier.images.decode import NOT_A_FILE, NOT_UTF8, DecodeError, Source, decode, open_photo
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels, is_deep, is_deep_colour
from posture_classifier.images.digest import digest
from posture_classifier.images.exif import Shot, read_shot

SKETCH_SIZE = 64
"""Pixels a side of the sketch: enough to recognise copies and crops, in 4 KB a photo."""
MEASURED_SIZE = 256
"""Pixels of the longer side when light is measured: a photo should be as sharp in any size."""
STANDARD_LUMINANCE_SUM = 3688
"""Sum of JPEG's luminance table for quality 50 (ITU-T T.81, table K.1)."""


@dataclass(frozen=True)
class Facts:
    """Facts about one photo; only ``error`` and ``digest`` if it cannot be read.

    Attributes:
        error: Why the file cannot be read; None if it can.
        digest: Digest of the file's bytes.
        format: Pillow's name of the format, such as ``JPEG``.
        mode: Pillow's name of how pixels are stored, such as ``RGB``.
        is_deep: Whether a value has more than 8 bits.
        width: Width in pixels as stored, before the EXIF orientation turns the photo.
        height: Height in pixels as stored.
        orientation: EXIF orientation, 1 to 8; 1 is upright.
        gps: Whether the file says where the photo was taken.
        camera: Maker and model of the camera; empty where unknown.
        taken: Time of the photo in seconds of the camera's clock since 1970; NaN where unknown.
        quality: JPEG quality, 1 to 100, estimated from the luminance table; NaN for other formats.
        frames: Number of pictures; more than one in an animation.
        profile: Name of the colour profile; empty where there is none.
        brightness: Mean luminance, 0 to 255.
        contrast: Standard deviation of the luminance.
        clipped: Share of the pixels that are white.
        sharpness: Standard deviation of the Laplacian at 256 pixels.
        corners: (3,) mean colour of the four corners.
        sketch: (64, 64) uint8 grey picture.
    """

    error: str | None
    digest: int
    format: str = ""
    mode: str = ""
    is_deep: bool = False
    width: int = 0
    height: int = 0
    orientation: int = 1
    gps: bool = False
    camera: str = ""
    taken: float = float("nan")
    quality: float = float("nan")
    frames: int = 1
    profile: str = ""
    brightness: float = float("nan")
    contrast: float = float("nan")
    clipped: float = float("nan")
    sharpness: float = float("nan")
    corners: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sketch: npt.NDArray[np.uint8] | None = None


def identify(source: Source) -> Facts:
    """Read the digest of a file, or why it cannot be read, without decoding it."""
    if isinstance(source, bytes):
        return Facts(None, digest(source))
    try:
        str(source).encode()
        if not os.path.isfile(source) and os.path.exists(source):
            return Facts(NOT_A_FILE, 0)
        return Facts(None, digest(source))
    except UnicodeEncodeError:
        return Facts(NOT_UTF8, 0)
    except OSError as error:
        return Facts(str(error.strerror).lower(), 0)


def read_facts(source: Source, identity: Facts, white: WhiteLevels = FULL_RANGE) -> tuple[Facts, Image.Image | None]:
    """Read all facts of a photo that ``identify`` has looked at, and decode it.

    Returns:
        The facts, and the upright photo (at least 256 pixels a side, unless it is smaller) or None.
    """
    if identity.error is not None:
        return identity, None
    try:
        image = decode(source, MEASURED_SIZE, white)
    except DecodeError as error:
        return replace(identity, error=str(error)), None
    return replace(identity, **_header(source), **_measure(image)), image


def _header(source: Source) -> dict[str, Any]:
    with open_photo(source) as image:
        deep = is_deep(image.mode) or is_deep_colour(image)  # reading EXIF may load the image
        # Damaged EXIF is common, and the photo is none the worse for it.
        try:
            exif = image.getexif()
            camera, taken = read_shot(exif)
            # Cameras without a receiver write a GPS part, too, without a position.
            gps, orientation = GPS.GPSLatitude in exif.get_ifd(IFD.GPSInfo), exif.get(Base.Orientation, 1)
        except Exception:
            (camera, taken), gps, orientation = Shot("", math.nan), False, 1
        return {
            # A JPEG with further pictures behind the first, such as a phone's depth map.
            "format": "JPEG" if image.format == "MPO" else image.format or "",
            "mode": image.mode,
            "is_deep": deep,
            "width": image.width,
            "height": image.height,
            "orientation": orientation if orientation in range(1, 9) else 1,
            "gps": gps,
            "camera": camera,
            "taken": taken,
            "quality": _quality(getattr(image, "quantization", None)),
            "frames": 1 if image.format == "MPO" else _frames(image),
            "profile": _profile(image.info.get("icc_profile")),
        }


def _frames(image: Image.Image) -> int:
    # Only the first picture is used, and damaged data behind it raises any kind of exception.
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:
        return 1


def _quality(tables: dict[int, list[int]] | None) -> float:
    """Invert the Independent JPEG Group's ``jpeg_quality_scaling``.

    Below 20 the result is too high, since entries of the table end at 255.
    """
    if not tables or 0 not in tables:
        return float("nan")
    scale = 100 * sum(tables[0]) / STANDARD_LUMINANCE_SUM
    return float(np.clip(round((200 - scale) / 2 if scale <= 100 else 5000 / scale), 1, 100))


def _profile(content: bytes | None) -> str:
    if not content:
        return ""
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(BytesIO(content))).strip()
    except (OSError, ImageCms.PyCMSError):
        return "damaged"


def _measure(image: Image.Image) -> dict[str, Any]:
    """Measure brightness, contrast, sharpness and colours of an upright RGB photo."""
    image = image.copy()
    image.thumbnail((MEASURED_SIZE, MEASURED_SIZE), Image.Resampling.BOX)
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    colour = np.asarray(image, dtype=np.float32)
    side = max(1, min(grey.shape) // 8)
    ends = (slice(side), slice(-side, None))
    corners = [colour[rows, columns] for rows in ends for columns in ends]
    # Its spread is small where the lens was out of focus (Pech-Pacheco et al. 2000).
    laplacian = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    red, green, blue = np.mean([corner.mean((0, 1)) for corner in corners], axis=0).tolist()
    return {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "clipped": float((grey >= 250).mean()),
        "sharpness": float(laplacian.std()) if laplacian.size else 0.0,
        "corners": (red, green, blue),
        "sketch": sketch(image),
    }


def sketch(image: Image.Image) -> npt.NDArray[np.uint8]:
    """A small grey picture (64, 64) of an upright RGB photo, by which copies are recognised."""
    small = image.copy()
    small.thumbnail((MEASURED_SIZE, MEASURED_SIZE), Image.Resampling.BOX)
    return np.asarray(small.convert("L").resize((SKETCH_SIZE, SKETCH_SIZE), Image.Resampling.BOX))
