"""The templates and the elements that pages share."""

from base64 import b64decode
from io import BytesIO

import numpy as np
import pytest
from jinja2 import UndefinedError
from markupsafe import Markup
from PIL import Image

from posture_classifier.rendering.elements import numeric_columns, photo, render, shaded_table


def test_values_are_escaped_once() -> None:
    once = render("elements.html", "together", words="a < b")
    assert once == '<span class="together">a &lt; b</span>'
    assert render("elements.html", "bullets", items=["<i>", once]) == f"<ul><li>&lt;i&gt;</li><li>{once}</li></ul>"


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("elements.html", "facts")
    with pytest.raises(TypeError):
        render("elements.html", "facts", pairs=[], typo=1)


def test_columns_of_numbers_are_aligned() -> None:
    rows = [["1 a", "0.9 (0.8 to 1.0)", "9 of", Markup("<i>2</i>")], ["b", "", "x", "-"]]
    assert numeric_columns(rows, 4) == [False, True, False, True]
    page = render("elements.html", "table", head=["name", "value", "words", "markup"], rows=rows)
    assert page.count('<th scope="col" class="number">') == 2
    assert page.count('<td class="number">') == 4
    assert page.count('<th scope="row">') == 2


def test_a_shaded_table_turns_long_names() -> None:
    shades = np.array([[0.25, 0.75], [0, 1]])
    page = shaded_table([["1", "3"], ["0", "<4>"]], shades, ["left", "right"])
    assert '<td style="--share: 0.75">3</td>' in page
    assert "&lt;4&gt;" in page
    assert "many" not in page
    assert "many" in shaded_table([["1", "3"], ["0", "4"]], shades, ["left", "r" * 30])


def test_a_photo_is_encoded_anew() -> None:
    buffer, exif = BytesIO(), Image.Exif()
    exif[0x010F] = "A maker of cameras"
    Image.new("RGB", (8, 6), "red").save(buffer, "JPEG", exif=exif)
    image = Image.open(buffer)
    assert image.getexif(), "the photo has what must not go with the page"
    page = photo(image, "a & b", "caption")
    assert 'alt="a &amp; b"' in page
    source = page.partition("base64,")[2].partition('"')[0]
    again = Image.open(BytesIO(b64decode(source)))
    assert again.size == (8, 6)
    assert not again.getexif()
    assert "<img" not in photo(None, "", "lost")


def sources(page: str) -> list[bytes]:
    return [b64decode(part.partition('"')[0]) for part in page.split("base64,")[1:]]


def test_a_photo_takes_no_more_bytes_than_it_may_and_stays_as_it_is_otherwise() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 600, 3), dtype=np.uint8))
    (free,), (bound,) = sources(photo(noise, "a", "b", most=10**6)), sources(photo(noise, "a", "b", most=20_000))
    assert Image.open(BytesIO(free)).size == (600, 400)
    width, height = Image.open(BytesIO(bound)).size
    assert 5_000 < len(bound) <= 20_000
    assert width / height == pytest.approx(1.5, abs=0.02)
    (least,) = sources(photo(noise, "a", "b", most=10))
    assert Image.open(BytesIO(least)).size == (96, 64), "below that it would show nothing"


def test_pictures_of_a_photo_stand_side_by_side_and_can_each_be_enlarged() -> None:
    image = Image.new("RGB", (8, 6))
    pair, alone = photo(image, "a", "c", Image.new("RGB", (6, 6))), photo(image, "a", "c", "no <map>")
    assert len(sources(pair)) == pair.count('type="checkbox"') == pair.count("aria-label") == 2
    assert "aspect-ratio: 8 / 6" in pair
    assert len(sources(alone)) == 1
    assert "no &lt;map&gt;" in alone
