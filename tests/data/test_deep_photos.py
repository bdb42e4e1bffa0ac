"""One scale for all photos of a data set that have more than 8 bits."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posture_classifier.data.deep_photos import DeepPhotos, find_deep_photos
from posture_classifier.images.decode import decode
from posture_classifier.images.depth import WhiteLevels
from tests.helpers.photos import deepen, draw


def test_the_brightest_photo_decides_for_all(tmp_path: Path) -> None:
    values = np.arange(64, dtype=np.uint16).reshape(8, 8)
    for name, factor in (("dark", 1), ("bright", 60)):
        Image.fromarray(values * factor).save(tmp_path / f"{name}.png")
    Image.new("RGB", (8, 8), "white").save(tmp_path / "ordinary.jpg")
    (tmp_path / "damaged.png").write_bytes(b"no picture")
    found = find_deep_photos([*sorted(tmp_path.iterdir()), tmp_path / "missing.png"])
    assert found == DeepPhotos(integers=2, floats=0, white=WhiteLevels(integer=4095))


def test_floats_have_a_scale_of_their_own(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 1000, dtype=np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(np.full((8, 8), 2.5, dtype=np.float32)).save(tmp_path / "a.tif")
    found = find_deep_photos(sorted(tmp_path.iterdir()))
    assert found == DeepPhotos(integers=1, floats=1, white=WhiteLevels(1023, 2.5))
    assert all(number in found.describe(found.white) for number in ("1023", "2.5"))
    assert "1023" not in found.describe(None), "an old checkpoint has none"


@pytest.mark.parametrize("kind", ["12 bits", "16 bits", "floats"])
def test_photos_are_what_they_are_in_8_bits(tmp_path: Path, kind: str) -> None:
    for seed in range(4):
        grey = draw(seed % 2, seed).convert("L")
        grey.save(tmp_path / f"{seed}.png")
        deepen(grey, kind, tmp_path / f"deep{seed}")
    deep = sorted(tmp_path.glob("deep*"))
    white = find_deep_photos(deep).white
    for seed, path in enumerate(deep):
        assert np.array_equal(np.asarray(decode(path, white=white)), np.asarray(decode(tmp_path / f"{seed}.png")))
