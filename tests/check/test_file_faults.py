"""Faults of single files."""

import struct
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.check_folders import check_folder, draw_scenes, kinds, scene


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
