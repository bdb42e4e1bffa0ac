"""More than 8 bits: one scale for all photos, the old one for old checkpoints."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from posture_classifier.images.decode import decode, deep_value
from posture_classifier.images.depth import WhiteLevels, white_levels
from posture_classifier.images.preprocessing import Preprocessing
from tests.helpers.photos import png_chunk

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
FLOAT = np.float32


@pytest.mark.parametrize(
    ("values", "suffix", "white"),
    [
        (RAMP.astype(np.uint16), ".png", WhiteLevels(integer=255)),
        (np.rint(RAMP * (4095 / 255)).astype(np.uint16), ".png", WhiteLevels(integer=4095)),
        (np.rint(RAMP * (1023 / 255)).astype(np.int32), ".tif", WhiteLevels(integer=1023)),
        (RAMP.astype(np.uint16) * 257, ".tif", WhiteLevels()),
        (RAMP / FLOAT(255), ".tif", WhiteLevels()),
        (RAMP.astype(FLOAT), ".tif", WhiteLevels(floating=255)),
        (RAMP.astype(FLOAT) * 16, ".tif", WhiteLevels(floating=4080)),
    ],
)
def test_the_white_level_gives_the_8_bits_back(tmp_path: Path, values: np.ndarray, suffix: str, white: WhiteLevels) -> None:
    path = tmp_path / f"a{suffix}"
    Image.fromarray(values).save(path)
    decoded = np.asarray(decode(path, white=white))
    assert np.array_equal(decoded, np.repeat(RAMP[..., None], 3, axis=2))


@pytest.mark.parametrize("brightest", [255, 256, 260, 4095])
def test_a_scale_does_not_depend_on_the_photo(tmp_path: Path, brightest: int) -> None:
    """A maximum of 255 was shown fully, and one of 256 was black."""
    values = np.full((8, 8), 100, dtype=np.uint16)
    values[0, 0] = brightest
    Image.fromarray(values).save(tmp_path / "a.png")
    assert np.asarray(decode(tmp_path / "a.png", white=WhiteLevels(integer=4095)))[4, 4, 0] == 6


@pytest.mark.parametrize("odd", [1.02, 300, np.nan, np.inf, -np.inf])
def test_one_odd_number_leaves_the_others_alone(tmp_path: Path, odd: float) -> None:
    values = np.full((100, 100), 0.5, dtype=FLOAT)
    values[0, 0] = odd
    Image.fromarray(values).save(tmp_path / "a.tif")
    decoded = np.asarray(decode(tmp_path / "a.tif"))[..., 0]
    assert set(decoded[1:].ravel()) == {128}
    assert decoded[0, 0] == (255 if odd > 1 else 0)
    value = deep_value(tmp_path / "a.tif")
    assert value is not None
    assert white_levels(None, value[1]) == WhiteLevels()


@pytest.mark.parametrize(
    ("integer", "floating", "white"),
    [
        (None, None, (65535, 1)),
        (1, None, (255, 1)),
        (255, None, (255, 1)),
        (256, None, (511, 1)),
        (4000, 0.3, (4095, 1)),
        (65520, 1.02, (65535, 1)),
        (None, 3.7, (65535, 3.7)),
        (None, 250.0, (65535, 255)),
        (None, 60_000.0, (65535, 65535)),
        (None, 0.0, (65535, 1)),
    ],
)
def test_white_is_the_largest_number_of_the_bits_in_use(
    integer: float | None, floating: float | None, white: tuple[float, float]
) -> None:
    assert white_levels(integer, floating) == white


def test_an_old_checkpoint_keeps_its_scale(tmp_path: Path) -> None:
    """A photo whose values exceed 255 is one of 16 bits, and one of numbers above 1 has 255."""
    old = Preprocessing.from_dict(
        {"image_size": 16, "mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize": "crop"}
    )
    assert old.white is None
    for values, shown in (
        (np.array([[0, 255]], dtype=np.uint16), [0, 255]),
        (np.array([[255, 260]], dtype=np.uint16), [0, 1]),
        (np.array([[0.5, 1.0]], dtype=FLOAT), [127, 255]),
        (np.array([[0.5, 1.02]], dtype=FLOAT), [0, 1]),
        (np.array([[0.5, np.nan]], dtype=FLOAT), [0, 0]),
    ):
        Image.fromarray(values).save(tmp_path / "a.tif")
        assert np.asarray(decode(tmp_path / "a.tif", white=old.white))[0, :, 0].tolist() == shown


def test_the_white_levels_are_plain_values_of_the_preprocessing() -> None:
    preprocessing = Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), white=WhiteLevels(4095, 2.5))
    assert preprocessing.to_dict()["white"] == [4095, 2.5]
    assert Preprocessing.from_dict(preprocessing.to_dict()) == preprocessing
    assert preprocessing.geometry != Preprocessing(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)).geometry, "cached pixels differ"


CORNERS = np.full((20, 30, 3), 1000, dtype=np.uint16)
CORNERS[:10, :15] = (4095, 100, 0)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_colours_of_12_bits_in_16(tmp_path: Path, suffix: str) -> None:
    path = str(tmp_path / f"a{suffix}")
    assert cv2.imwrite(path, CORNERS[..., ::-1])
    assert deep_value(path) == (False, 4095.0)
    decoded = np.asarray(decode(path, white=WhiteLevels(4095)))
    assert decoded[0, 0].tolist() == [255, 6, 0]
    assert decoded[-1, -1].tolist() == [62, 62, 62]
    assert np.asarray(decode(path, white=None)).max() == 15, "old checkpoints have the upper 8 bits"


def test_colours_of_16_bits_lie_on_white_and_upright(tmp_path: Path) -> None:
    opacity = np.full((20, 30, 1), 65535, dtype=np.uint16)
    opacity[-1, -1] = 0
    assert cv2.imwrite(str(tmp_path / "a.png"), np.concatenate([CORNERS[..., ::-1], opacity], axis=2))
    content = (tmp_path / "a.png").read_bytes()
    turned = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    (tmp_path / "a.png").write_bytes(content[:33] + png_chunk(b"eXIf", turned) + content[33:])
    decoded = np.asarray(decode(tmp_path / "a.png", white=WhiteLevels(4095)))
    assert decoded.shape == (30, 20, 3), "a quarter turn"
    assert decoded[0, -1].tolist() == [255, 6, 0]
    assert decoded[-1, 0].tolist() == [255, 255, 255], "transparent"


def test_ordinary_photos_are_not_decoded_to_find_white(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for suffix in (".jpg", ".png", ".webp", ".tif"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"a{suffix}")
        with monkeypatch.context() as patch:
            patch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
            assert deep_value(tmp_path / f"a{suffix}") is None
