"""Decodes a photo file of any format to an upright RGB image."""

import warnings
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

with suppress(ModuleNotFoundError):  # an extra, since its wheels are under the GPL
    import_module("pillow_heif").register_heif_opener()

# Pillow warns at half of its limit, but a photo of 108 megapixels is no attack.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Damaged EXIF is common and harmless, and the warning names neither the photo nor what to do.
warnings.filterwarnings("ignore", "Corrupt EXIF data", module="PIL")


SUFFIXES = frozenset((".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"))
"""File name endings, in lower case, that count as photos."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What stands behind ``ftyp`` at the beginning of a HEIC file (ISO/IEC 23008-12)."""
NOT_A_FILE = "a device or a pipe, not a file"
NOT_UTF8 = "its name is not valid UTF-8; rename it"


class DecodeError(Exception):
    """A file is not an image that can be read in full; the message says why, without the path."""


def decode(path: str | Path, at_least: int | None = None) -> Image.Image:
    """Read an image as 8-bit RGB, turned upright by its EXIF orientation.

    Transparency is laid over white, 16-bit and floating-point greys are scaled to 8 bits, and
    animations give their first frame.

    Args:
        path: A JPEG, PNG, WebP, BMP, TIFF, GIF or HEIC file.
        at_least: Shortest side in pixels that is needed. A JPEG more than twice as large is decoded
            at 1/2, 1/4 or 1/8 of its scale, which saves most of the time on photos of 12
            megapixels. The same value gives the same pixels.

    Raises:
        DecodeError: The file is missing, empty, truncated, not an image, or larger than Pillow's
            limit of 179 megapixels.

    Example:
        >>> decode("photos/left/person0_0.png").size
        (20, 20)
    """
    try:
        str(path).encode()
        if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
            raise DecodeError(NOT_A_FILE)  # reading it might wait for ever
        with Image.open(path) as image:
            if at_least is not None:
                image.draft(None, (2 * at_least, 2 * at_least))
            image.load()
            return upright_rgb(image)
    except UnicodeEncodeError as error:
        raise DecodeError(NOT_UTF8) from error
    except Image.DecompressionBombError as error:
        raise DecodeError("more than 179 million pixels, a decompression bomb or a panorama to be scaled down") from error
    except UnidentifiedImageError as error:
        raise DecodeError(_describe_non_image(path)) from error
    # On damaged data decoders raise OSError, SyntaxError, struct.error, RuntimeError ...
    except Exception as error:
        raise DecodeError(_describe_error(error)) from error


def _describe_non_image(path: str | Path) -> str:
    """Say what a file is that is named like a photo, but is none."""
    with open(path, "rb") as file:
        head = file.read(512)
    if not head:
        return "empty file"
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS and "HEIF" not in Image.OPEN:
        return "HEIC, which takes one more package: pip install pillow-heif"
    head = head.lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "Git LFS pointer, not the photo; run git lfs pull"
    if head.startswith((b"<!doctype html", b"<html", b"<?xml")):
        return "web page, not a photo; the download failed"
    return "not an image"


def _describe_error(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def upright_rgb(image: Image.Image) -> Image.Image:
    """Turn an image by its EXIF orientation and convert it to 8-bit RGB, as ``decode`` does."""
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):
        # Pillow would clip 16-bit values at 255 and leave a white picture.
        values = np.asarray(image).astype(np.float64)
        image = Image.fromarray((values / (257 if values.max(initial=0) > 255 else 1)).clip(0, 255).astype(np.uint8))
    elif image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        image = Image.fromarray((values * (255 if values.max(initial=0) <= 1 else 1)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
