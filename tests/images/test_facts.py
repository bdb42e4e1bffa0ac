"""What is read of one file."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from posture_classifier.images.facts import identify, read_facts
from tests.helpers.check_folders import scene


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".heic"])
@pytest.mark.parametrize("position", [{1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 20.0, 0.0)}, {}])
def test_a_position_is_more_than_a_place_for_one(tmp_path: Path, suffix: str, position: dict[int, Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = 1  # Pillow writes a PNG no EXIF without an entry of its own
    exif.get_ifd(0x8825).update({0: b"\2\3\0\0"} | position)  # the version, which many cameras write alone
    path = tmp_path / f"a{suffix}"
    scene(0, 1).save(path, exif=exif)
    assert read_facts(path, identify(path))[0].gps == bool(position)


@pytest.mark.parametrize("quality", [20, 30, 50, 75, 90, 95])
def test_jpeg_quality_is_read_from_the_table(tmp_path: Path, quality: int) -> None:
    scene(0, 1).save(tmp_path / "a.jpg", quality=quality)
    assert read_facts(tmp_path / "a.jpg", identify(tmp_path / "a.jpg"))[0].quality == pytest.approx(quality, abs=1)
