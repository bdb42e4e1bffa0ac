"""Decodes a photo file of any format to an upright RGB image."""

import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import Base

from posture_classifier.images.decoding_memory import memory_to_decode
from posture_classifier.images.depth import (
    FULL_RANGE,
    WhiteLevels,
    bright_value,
    colours_to_8_bits,
    is_deep,
    is_deep_colour,
    to_8_bits,
)
from posture_classifier.images.photo_source import fetch, is_url
from posture_classifier.images.strips import convert_strips

with suppress(ModuleNotFoundError):  # an extra, since its wheels are under the GPL
    import_module("pillow_heif").register_heif_opener()

# Pillow warns at half of its limit, but a photo of 108 megapixels is no attack.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
# Damaged EXIF is common and harmless, and the warning names neither the photo nor what to do.
warnings.filterwarnings("ignore", "Corrupt EXIF data", module="PIL")


PHOTO_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "HEIF", "JPEG2000", "TIFF", "BMP", "DIB", "GIF", "PPM", "TGA")
"""Pillow's names of the formats in which cameras, phones, scanners and the web keep photos.

Pillow can open more that are none, and each is one more decoder to attack: EPS is a program that
Ghostscript runs, WMF one that Windows draws; FITS, GRIB and HDF5 are measurements, MPEG and FLI
films, ICO, CUR, ICNS, DDS and others icons and textures, and PSD the layers of a picture."""
SUFFIX_FORMATS = dict.fromkeys((".heic", ".heif", ".hif"), "HEIF") | {
    suffix: name for suffix, name in Image.registered_extensions().items() if name in PHOTO_FORMATS
}
"""The format that each file name ending, in lower case, promises."""
FORMATS = [name for name in PHOTO_FORMATS if name in Image.OPEN]
"""Formats that can be decoded here, which Pillow knows once it was asked for its suffixes; an MPO
is opened as a JPEG."""
SUFFIXES = frozenset(SUFFIX_FORMATS)
"""File name endings, in lower case, that count as photos; one of HEIC does so without its decoder,
too, and is then named as a photo that cannot be read."""
FORMATS_IN_WORDS = "JPEG, PNG, WebP, AVIF, HEIC, TIFF, BMP, GIF, JPEG 2000, PPM or TGA"
Result = TypeVar("Result")
Source = str | Path | bytes
"""A file, a URL, or the bytes of either."""
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""What stands behind ``ftyp`` at the beginning of a HEIC file (ISO/IEC 23008-12)."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
"""Chunks of a PNG that hold texts, or a colour profile."""
NOT_A_FILE = "a device or a pipe, not a file"
NOT_UTF8 = "its name is not valid UTF-8; rename it"


class DecodeError(Exception):
    """A file is not an image that can be read in full; the message says why, without the path."""


def decode(path: Source, at_least: int | None = None, white: WhiteLevels | None = FULL_RANGE) -> Image.Image:
    """Read an image as 8-bit RGB, turned upright by its EXIF orientation.

    Transparency is laid over white, 16-bit and floating-point greys are scaled to 8 bits, and
    animations give their first frame. Threads that decode at once share the memory that there is: a
    huge image waits until the others are done.

    Args:
        path: A file of one of ``PHOTO_FORMATS``, whatever its name, a URL, or the bytes of one.
        at_least: Shortest side in pixels that is needed. A JPEG more than twice as large is decoded
            at 1/2, 1/4 or 1/8 of its scale, which saves most of the time on photos of 12
            megapixels. The same value gives the same pixels.
        white: The values that are white in an image of more than 8 bits; None is the rule of old
            checkpoints (``to_8_bits``).

    Raises:
        DecodeError: The file is missing, empty, truncated, not an image, or larger than Pillow's
            limit of 179 megapixels.

    Example:
        >>> decode("photos/left/person0_0.png").size
        (20, 20)
    """
    source = fetched(path)
    with _described_errors(source):
        return _load(source, lambda image: upright_rgb(colours_to_8_bits(image, white), white), at_least)


def fetched(path: Source) -> Source:
    """The bytes of what a URL names, so that it is asked for once; anything else as it is.

    Raises:
        DecodeError: It cannot be fetched.
    """
    if not isinstance(path, str) or not is_url(path):
        return path
    with _described_errors(b""):
        return fetch(path)


def deep_value(path: str | Path) -> tuple[bool, float] | None:
    """Look at a photo's header, and find its brightest value if it has more than 8 bits.

    Returns:
        Whether its values are floating-point numbers, and its ``bright_value``; None for an
        ordinary photo, which is not decoded.

    Raises:
        DecodeError: The file cannot be read.
    """
    source = fetched(path)
    with _described_errors(source):
        with open_photo(source) as image:
            if not is_deep(image.mode) and not is_deep_colour(image):
                return None
        return _load(source, lambda image: (image.mode == "F", bright_value(image)))


def open_photo(path: Source) -> Image.Image:
    """Read the header of an image, also of a PNG that has more text than Pillow takes."""
    try:
        return Image.open(BytesIO(path) if isinstance(path, bytes) else path, formats=FORMATS)
    except ValueError:
        return _open_without_text(path)


def _open_without_text(path: Source) -> Image.Image:
    content = path if isinstance(path, bytes) else Path(path).read_bytes()
    return Image.open(BytesIO(_without_png_text(content)), formats=FORMATS)


def _without_png_text(content: bytes) -> bytes:
    """Leave out the chunks of a PNG that hold texts or a colour profile; nothing is unpacked.

    Pillow refuses a PNG with much text, since a small file could unpack to gigabytes of it. Other
    files stay what they are. Source: PNG specification, third edition, section 5.3 (chunk
    layout).
    """
    if not content.startswith(PNG_SIGNATURE):
        return content
    return PNG_SIGNATURE + b"".join(chunk for chunk in _png_chunks(content) if chunk[4:8] not in PNG_TEXTS)


def _png_chunks(content: bytes) -> Iterator[bytes]:
    start = len(PNG_SIGNATURE)
    while start + 8 <= len(content):
        (length,) = struct.unpack_from(">I", content, start)
        end = start + 12 + length  # length, type and checksum take 12 bytes
        yield content[start:end]
        start = end


def _load(path: Source, convert: Callable[[Image.Image], Result], at_least: int | None = None) -> Result:
    try:
        return _load_opened(Image.open(BytesIO(path) if isinstance(path, bytes) else path, formats=FORMATS), convert, at_least)
    except ValueError:  # as where a PNG has much text, perhaps behind the picture
        return _load_opened(_open_without_text(path), convert, at_least)


def _load_opened(opened: Image.Image, convert: Callable[[Image.Image], Result], at_least: int | None) -> Result:
    with opened as image:
        stored_size = image.size
        if at_least is not None and image.format in ("JPEG", "MPO"):  # of a HEIC, draft may give a thumbnail
            image.draft(None, (2 * at_least, 2 * at_least))
        with memory_to_decode(image, stored_size):
            return convert(image)


@contextmanager
def _described_errors(path: Source) -> Iterator[None]:
    """A context that raises ``DecodeError`` for all that can go wrong with a file."""
    try:
        if not isinstance(path, bytes):
            str(path).encode()
            if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
                raise DecodeError(NOT_A_FILE)  # reading it might wait for ever
        yield
    except UnicodeEncodeError as error:
        raise DecodeError(NOT_UTF8) from error
    except Image.DecompressionBombError as error:
        raise DecodeError("more than 179 million pixels, a decompression bomb or a panorama to be scaled down") from error
    except UnidentifiedImageError as error:
        raise DecodeError(_describe_non_image(path)) from error
    # On damaged data decoders raise OSError, SyntaxError, struct.error, RuntimeError ...
    except Exception as error:
        raise DecodeError(_describe_error(error)) from error


def _describe_non_image(path: Source) -> str:
    """Say what a file is that is named like a photo, but is none."""
    with BytesIO(path) if isinstance(path, bytes) else open(path, "rb") as file:
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


def upright_rgb(image: Image.Image, white: WhiteLevels | None = FULL_RANGE) -> Image.Image:
    """Turn an image by its EXIF orientation and convert it to 8-bit RGB, as ``decode`` does."""
    image.load()
    # exif_transpose would copy an image that is upright already.
    if image.getexif().get(Base.Orientation, 1) != 1:
        image = ImageOps.exif_transpose(image)
    if is_deep(image.mode):
        image = to_8_bits(image, white)
    if image.has_transparency_data:
        return convert_strips(image, "RGB", _over_white)
    return image.convert("RGB")


def _over_white(strip: Image.Image) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", strip.size, "white"), strip.convert("RGBA")).convert("RGB")
