"""Faults of single files."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.images.decode import SUFFIXES
from tests.helpers.check_folders import check_folder, draw_scenes, finding_of, kinds, scene


def test_damage_behind_the_first_picture_is_no_crash(tmp_path: Path) -> None:
    """Only an animation's first picture is used; counting the others meets the damage."""
    root = draw_scenes(tmp_path / "photos", each=3)
    path = root / "circles" / "moving.gif"
    scene(0, 1).save(path)
    # In place of the end of the file the head of a second picture, which is not there.
    path.write_bytes(path.read_bytes()[:-1] + b"," + struct.pack("<4HB", 0, 0, 160, 120, 0))
    with Image.open(path) as image, pytest.raises(IndexError):
        _ = image.n_frames  # type: ignore[attr-defined]
    assert "unreadable" not in kinds(check_folder(root))


def test_every_format_is_known_by_its_suffixes(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    modes = {".pbm": "1", ".pfm": "F"}
    for number, suffix in enumerate(sorted(SUFFIXES)):
        scene(0, 100 + number).convert(modes.get(suffix, "RGB")).save(root / "circles" / f"{suffix[1:]}{suffix}")
    scene(0, 99).save(root / "circles" / "jpeg.avif", "JPEG")
    result = check_folder(root)
    assert finding_of(result, "wrong_suffix").photos == [["circles/jpeg.avif"]]
    assert "unreadable" not in kinds(result)
