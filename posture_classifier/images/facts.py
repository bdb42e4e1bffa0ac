"""What can be known of one file without asking a network: its header, its light, and a sketch of its content."""

import math
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from PIL.ExifTags import GPS, IFD, Base

from posture_classifier.images.decode import NO_FILE, NOT_UTF8, DecodeError, decode
from posture_classifier.images.digest import digest
from posture_classifier.images.exif import Shot, read_shot

SKETCH_SIZE = 64
"""Side of the grey sketch in pixels: enough to tell copies apart and to find one photo within another, 4 KB a photo."""
LIGHT = 256
"""Side in pixels at which sharpness is measured: the same photo should be as sharp in any size."""
STANDARD_LUMINANCE_SUM = 3688
"""Sum of the luminance table of JPEG (ITU-T T.81, table K.1), quality 50."""


@dataclass(frozen=True)
class Facts:
    """Of one file; where it cannot be read, only ``error``, ``size_bytes`` and ``digest`` are known.

    Attributes:
        error: Why it cannot be read.
        size_bytes: Of the file.
        digest: Of its bytes.
        format: Pillow's name, such as ``JPEG``.
        mode: Pillow's name of how pixels are stored, such as ``RGB``.
        width: In pixels, as stored, before the EXIF orientation turns it.
        height: Likewise.
        orientation: EXIF, 1 to 8; 1 is upright.
        gps: Whether it says where it was taken.
        camera: Maker and model, or empty.
        taken: When, in seconds of the camera's clock; NaN where unknown.
        quality: JPEG quality, 1 to 100, estimated from its luminance table; NaN for other formats.
        frames: More than one in an animation.
        profile: Name of its colour profile; empty where it has none.
        brightness: Mean luminance, 0 to 255.
        contrast: Standard deviation of the luminance.
        clipped: Share of the pixels that are white.
        sharpness: Standard deviation of the Laplacian at 256 pixels.
        corners: (3,) mean colour of the four corners.
        sketch: (64, 64) uint8 grey.
    """

    error: str | None
    size_bytes: int
    digest: int
    format: str = ""
    mode: str = ""
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


def identify(path: Path) -> Facts:
    """What is known of a file before it is decoded: its size and digest, or that it cannot be read, as ``decode`` would say."""
    try:
        str(path).encode()
        if not path.is_file() and path.exists():
            return Facts(NO_FILE, 0, 0)
        return Facts(None, path.stat().st_size, digest(path))
    except UnicodeEncodeError:
        return Facts(NOT_UTF8, 0, 0)
    except OSError as error:
        return Facts(str(error.strerror).lower(), 0, 0)


def read_facts(path: Path, known: Facts) -> tuple[Facts, Image.Image | None]:
    """The facts of a file, and its upright picture at no less than 256 pixels a side; None where it cannot be read.

    Args:
        path: The file.
        known: What ``identify`` says of it.
    """
    if known.error is not None:
        return known, None
    try:
        image = decode(path, LIGHT)
    except DecodeError as error:
        return replace(known, error=str(error)), None
    return replace(known, **_header(path), **_light(image)), image


def _header(path: Path) -> dict[str, Any]:
    with Image.open(path) as image:
        # Cameras and programs write damaged EXIF in every way, and the photo is none the worse for it.
        try:
            exif = image.getexif()
            camera, taken = read_shot(exif)
            # Cameras without a receiver write the version of this part all the same.
            gps, orientation = GPS.GPSLatitude in exif.get_ifd(IFD.GPSInfo), exif.get(Base.Orientation, 1)
        except Exception:
            (camera, taken), gps, orientation = Shot("", math.nan), False, 1
        return {
            # A phone's JPEG with a depth map behind it is a JPEG to everybody.
            "format": "JPEG" if image.format == "MPO" else image.format or "",
            "mode": image.mode,
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
    # Counting reads what follows the first picture, which alone is used; the decoders raise whatever comes up on damaged data.
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:
        return 1


def _quality(tables: dict[int, list[int]] | None) -> float:
    """Invert the Independent JPEG Group's ``jpeg_quality_scaling``; below 20 too high, since entries end at 255."""
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


def _light(image: Image.Image) -> dict[str, Any]:
    """What an upright RGB picture is like."""
    image = image.copy()
    image.thumbnail((LIGHT, LIGHT), Image.Resampling.BOX)
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    colour = np.asarray(image, dtype=np.float32)
    side = max(1, min(grey.shape) // 8)
    corners = [colour[rows, columns] for rows in (slice(side), slice(-side, None)) for columns in (slice(side), slice(-side, None))]
    # Four neighbours less the middle: what a lens out of focus takes away (Pech-Pacheco et al. 2000).
    inner = 4 * grey[1:-1, 1:-1] - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    red, green, blue = np.mean([corner.mean((0, 1)) for corner in corners], axis=0).tolist()
    return {
        "brightness": float(grey.mean()),
        "contrast": float(grey.std()),
        "clipped": float((grey >= 250).mean()),
        "sharpness": float(inner.std()) if inner.size else 0.0,
        "corners": (red, green, blue),
        "sketch": np.asarray(image.convert("L").resize((SKETCH_SIZE, SKETCH_SIZE), Image.Resampling.BOX)),
    }
