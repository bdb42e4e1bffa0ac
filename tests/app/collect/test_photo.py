"""What an uploaded photo becomes."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from posture_classifier.app.collect.photo import LONGEST_SIDE, clean_photo
from posture_classifier.app.errors import Refusal
from tests.helpers.local_pages import encoded, frame
from tests.helpers.photos import bomb


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


def test_place_time_camera_and_comments_are_gone() -> None:
    exif = Image.Exif()
    exif[Base.Make], exif[Base.DateTime] = "SECRETPHONE", "2026:01:31 10:00:00"
    exif.get_ifd(IFD.GPSInfo)[GPS.GPSLatitude] = (52.0, 1.0, 2.0)
    uploaded = encoded(frame(0), exif=exif, comment=b"SECRETWORD", xmp=b"<x>SECRETXMP</x>", icc_profile=b"SECRETPROFILE" * 9)
    assert uploaded.count(b"SECRET") >= 4

    cleaned = clean_photo(uploaded).content

    assert b"SECRET" not in cleaned
    assert len(opened(cleaned).getexif()) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_saved_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    # Stored as a phone that was held another way would.
    stored = {3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
    turned = frame(0)
    if stored != 1:
        turned = turned.transpose(
            {
                2: Image.Transpose.FLIP_LEFT_RIGHT,
                3: Image.Transpose.ROTATE_180,
                4: Image.Transpose.FLIP_TOP_BOTTOM,
                5: Image.Transpose.TRANSPOSE,
                8: Image.Transpose.ROTATE_90,
                7: Image.Transpose.TRANSVERSE,
                6: Image.Transpose.ROTATE_270,
            }[stored]
        )

    saved = opened(clean_photo(encoded(turned, "PNG", exif=exif)).content)

    assert saved.size == frame(0).size
    difference = np.abs(np.asarray(saved).astype(int) - np.asarray(frame(0)))
    assert difference.mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF"])
def test_every_format_becomes_one(kind: str) -> None:
    saved = opened(clean_photo(encoded(frame(0), kind)).content)

    assert (saved.format, saved.mode, saved.size) == ("JPEG", "RGB", (96, 64))


def test_a_large_photo_is_scaled_down() -> None:
    saved = opened(clean_photo(encoded(frame(0, (3000, 1500)))).content)

    assert saved.size == (LONGEST_SIDE, LONGEST_SIDE // 2)


def test_what_cannot_be_read_in_full_is_not_saved(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.png")
    whole = encoded(frame(0, (400, 300)))
    for content in [b"", b"<svg/>", b"%PDF-1.4", whole[: len(whole) // 2], (tmp_path / "bomb.png").read_bytes()]:
        with pytest.raises(Refusal) as refused:
            clean_photo(content)
        assert refused.value.status_code == 400


def test_a_picture_of_an_icons_size_is_no_photo() -> None:
    with pytest.raises(Refusal):
        clean_photo(encoded(frame(0, (400, 16))))
