"""Every format, upright, in RGB; and every kind of damage as a sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posture_classifier.images.decode import SUFFIXES, DecodeError, decode
from tests.helpers.photos import bomb

COLORS = [(250, 10, 10), (10, 250, 10), (10, 10, 250), (240, 240, 240)]


@pytest.fixture
def corners() -> Image.Image:
    """Red, green / blue, white quarters: any turn or mirror shows."""
    pixels = np.zeros((64, 96, 3), dtype=np.uint8)
    pixels[:32, :48], pixels[:32, 48:], pixels[32:, :48], pixels[32:, 48:] = COLORS
    return Image.fromarray(pixels)


def quarters(image: Image.Image) -> list[tuple[int, ...]]:
    pixels = np.asarray(image).astype(int)
    height, width = pixels.shape[:2]
    return [tuple(pixels[y, x]) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]


def assert_same_picture(image: Image.Image, tolerance: int = 12) -> None:
    assert image.mode == "RGB"
    assert image.size == (96, 64)
    assert np.abs(np.array(quarters(image)) - np.array(COLORS)).max() <= tolerance


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        *[(suffix, "RGB") for suffix in sorted(SUFFIXES - {".pbm", ".pfm", ".pgm"})],
        *[(".png", "RGBA"), (".png", "P"), (".webp", "RGBA"), (".tiff", "CMYK"), (".jpg", "CMYK")],
    ],
)
def test_formats_and_modes(tmp_path: Path, corners: Image.Image, suffix: str, mode: str) -> None:
    path = tmp_path / f"거북목 é{suffix}"
    (corners.quantize(4) if mode == "P" else corners.convert(mode)).save(path)
    assert_same_picture(decode(path))


@pytest.mark.parametrize("suffix", [".pgm", ".pfm"])
def test_grey_pixmaps(tmp_path: Path, corners: Image.Image, suffix: str) -> None:
    corners.convert("L" if suffix == ".pgm" else "F").save(tmp_path / f"grey{suffix}")
    assert decode(tmp_path / f"grey{suffix}").size == (96, 64)


@pytest.mark.parametrize("suffix", [".avif", ".heic", ".hif", ".mpo", ".jfif", ".jpe", ".jp2", ".ppm", ".tga", ".tif", ".webp"])
def test_what_cameras_and_phones_write_are_photos(suffix: str) -> None:
    assert suffix in SUFFIXES


@pytest.mark.parametrize("suffix", [".eps", ".pdf", ".wmf", ".ico", ".fits", ".h5", ".mpg", ".psd", ".xpm", ".svg", ".txt", ""])
def test_what_is_no_photo_or_runs_a_program_is_not(suffix: str) -> None:
    assert suffix not in SUFFIXES


def test_a_program_in_postscript_is_not_run_under_the_name_of_a_photo(
    tmp_path: Path, corners: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow looks at the content, and hands EPS to Ghostscript."""
    run: list[object] = []
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *arguments, **_: run.append(arguments))
    corners.save(tmp_path / "photo.jpg", "EPS")
    with pytest.raises(DecodeError, match="not an image"):
        decode(tmp_path / "photo.jpg")
    assert not run


@pytest.mark.parametrize(("dtype", "scale"), [(np.uint8, 1), (np.uint16, 257)])
def test_greys_keep_their_brightness(tmp_path: Path, dtype: type, scale: int) -> None:
    values: np.ndarray = (np.arange(256).reshape(16, 16) * scale).astype(dtype)
    Image.fromarray(values).save(tmp_path / "grey.png")
    expected = np.repeat(np.arange(256).reshape(16, 16, 1), 3, axis=2)
    assert np.array_equal(np.asarray(decode(tmp_path / "grey.png")), expected)


def test_floating_point_greys_are_scaled(tmp_path: Path) -> None:
    Image.fromarray(np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)).save(tmp_path / "grey.tiff")
    assert np.asarray(decode(tmp_path / "grey.tiff")).max() == 255


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert quarters(decode(tmp_path / "clear.png")) == [(255, 255, 255)] * 4


def test_the_first_frame_of_an_animation(tmp_path: Path, corners: Image.Image) -> None:
    corners.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", corners.size)])
    assert_same_picture(decode(tmp_path / "a.gif"))


# What a camera stores for each of the eight orientations, so that turning it by EXIF gives the
# picture back.
STORED = {
    1: [],
    2: [Image.Transpose.FLIP_LEFT_RIGHT],
    3: [Image.Transpose.ROTATE_180],
    4: [Image.Transpose.FLIP_TOP_BOTTOM],
    5: [Image.Transpose.TRANSPOSE],
    6: [Image.Transpose.ROTATE_90],
    7: [Image.Transpose.TRANSVERSE],
    8: [Image.Transpose.ROTATE_270],
}


@pytest.mark.parametrize("at_least", [None, 8])
@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tiff"])
def test_exif_turns_every_format_upright(
    tmp_path: Path, corners: Image.Image, suffix: str, orientation: int, at_least: int | None
) -> None:
    image = corners
    for step in STORED[orientation]:
        image = image.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"a{suffix}", exif=exif)
    decoded = decode(tmp_path / f"a{suffix}", at_least)
    assert decoded.width > decoded.height
    assert np.abs(np.array(quarters(decoded)) - np.array(COLORS)).max() <= 12


def test_large_jpegs_are_decoded_smaller_and_look_the_same(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 1600).astype(np.uint8)
    Image.fromarray(np.stack([np.tile(ramp, (1200, 1))] * 3, axis=2)).save(tmp_path / "large.jpg", quality=95)
    small = decode(tmp_path / "large.jpg", at_least=100)
    assert small.size == (400, 300), "the smallest scale that is still twice what is needed"
    whole = decode(tmp_path / "large.jpg").resize((100, 75), Image.Resampling.BICUBIC)
    assert np.abs(np.asarray(small.resize((100, 75), Image.Resampling.BICUBIC)).astype(int) - np.asarray(whole)).max() <= 2


@pytest.mark.parametrize("needed", [100, 150, 199])
def test_the_finest_detail_survives_a_smaller_scale(tmp_path: Path, needed: int) -> None:
    """Noise is the hardest there is; 40 dB is more than JPEG of quality 95 keeps of it."""
    noise = np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "large.jpg", quality=95)
    size = (needed * 4 // 3, needed)
    small, whole = (
        np.asarray(decode(tmp_path / "large.jpg", at_least).resize(size, Image.Resampling.BICUBIC)).astype(float)
        for at_least in (needed, None)
    )
    assert 10 * np.log10(255**2 / ((small - whole) ** 2).mean()) > 40


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"hello, this is text", "not an image"),
        (b"\x89PNG\r\n\x1a\n", "not an image"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS pointer"),
        (b"\n <!DOCTYPE html><html>404</html>", "web page"),
    ],
)
def test_what_is_no_image_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(DecodeError, match=reason):
        decode(tmp_path / "a.jpg")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp", ".tiff", ".gif", ".heic"])
def test_truncated_images_are_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = tmp_path / f"a{suffix}"
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DecodeError):
        decode(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    bomb(tmp_path / "bomb.png")
    with pytest.raises(DecodeError, match="179"):
        decode(tmp_path / "bomb.png")


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="no such file"):
        decode(tmp_path / "nothing.jpg")
    with pytest.raises(DecodeError, match="directory"):
        decode(tmp_path)
