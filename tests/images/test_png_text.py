"""Pictures with much text or a large colour profile are whole pictures."""

import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from posture_classifier.data.folder import read_folder
from posture_classifier.data.sessions import session_groups
from posture_classifier.images.decode import DecodeError, decode, deep_value
from posture_classifier.images.facts import identify, read_facts
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import draw, png_chunk

LONG = zlib.compress(bytes(3 * 2**20))
CHUNKS = {
    "zTXt": png_chunk(b"zTXt", b"key\0\0" + LONG),
    "iTXt": png_chunk(b"iTXt", b"key\0\1\0\0\0" + LONG),
    "iCCP": png_chunk(b"iCCP", b"name\0\0" + LONG),
    "tEXt": b"".join(png_chunk(b"tEXt", f"key{n}\0".encode() + b"x" * 2**20) for n in range(65)),
}


def write(path: Path, chunk: bytes, at_the_end: bool) -> Image.Image:
    """Write a PNG with another chunk in front of its picture or behind it; returns the picture."""
    image = draw(0, 0)
    image.save(path)
    content = path.read_bytes()
    place = len(content) - 12 if at_the_end else 33
    path.write_bytes(content[:place] + chunk + content[place:])
    return image


@pytest.mark.parametrize("at_the_end", [False, True])
@pytest.mark.parametrize("kind", CHUNKS)
def test_much_text_is_no_reason_to_refuse_a_picture(tmp_path: Path, kind: str, at_the_end: bool) -> None:
    path = tmp_path / "a.png"
    image = write(path, CHUNKS[kind], at_the_end)
    assert np.array_equal(np.asarray(decode(path)), np.asarray(image))
    facts, _ = read_facts(path, identify(path))
    assert (facts.error, facts.width, facts.format) == (None, 40, "PNG")
    assert deep_value(path) is None


def test_a_damaged_picture_with_much_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(path, CHUNKS["zTXt"], at_the_end=False)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(DecodeError):
        decode(path)


def test_its_date_is_looked_for(tmp_path: Path) -> None:
    for name in ("left", "right"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "a.png", CHUNKS["zTXt"], at_the_end=False)
    with pytest.raises(UserError, match=r"2 of 2 photos .* no date"):
        session_groups(read_folder(tmp_path))
