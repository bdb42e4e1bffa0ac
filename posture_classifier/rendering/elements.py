"""Fills the templates of pages, and makes the parts that need computing.

A template escapes what it is given, unless that is ``Markup``: the output of another template, or
matplotlib's SVG.
"""

import base64
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels

UPRIGHT = 30
"""Most letters of all names above a square table, on a phone; with more the names are turned."""
SHADE = 0.55
"""How much of the colour a cell has at most, in tables and pictures: black can be read on it."""
BYTES = 90_000
"""Most bytes of a photo in a page, so that a report of 18 with their maps has some 4 MB."""
LEAST_SIDE = 96
"""Pixels along the longer side below which no photo is made smaller for its bytes."""


def numeric_columns(rows: Sequence[Sequence[str]], n_columns: int) -> list[bool]:
    """Tell which columns hold numbers or nothing, by the first character of every cell."""
    return [all(_is_number(row[column]) for row in rows) for column in range(n_columns)]


def _is_number(cell: str) -> bool:
    text = cell.striptags() if isinstance(cell, Markup) else cell
    return not text or text[0] in "0123456789-+<\N{MINUS SIGN}"


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters["numeric_columns"] = numeric_columns


def render(template: str, macro: str | None = None, **values: object) -> Markup:
    """Fill a template of ``templates/``, or one of its macros, with values.

    Example:
        >>> render("elements.html", "together", words="a < b")
        Markup('<span class="together">a &lt; b</span>')
    """
    found = _templates.get_template(template)
    return Markup(getattr(found.module, macro)(**values) if macro else found.render(values)).strip()


def shaded_table(cells: Sequence[Sequence[str]], shades: npt.NDArray[np.float64], names: Sequence[str]) -> Markup:
    """Make a square table (C, C) whose cells are darker with larger ``shades``, from 0 to 1."""
    rows = [list(zip(row, row_shades, strict=True)) for row, row_shades in zip(cells, shades.tolist(), strict=True)]
    turned = len(names) > 4 or sum(map(len, names)) > UPRIGHT
    return render("elements.html", "shaded_table", names=names, rows=rows, turned=turned, most=SHADE)


def photo(image: Image.Image | None, alt: str, caption: str, beside: Image.Image | str = "", most: int = BYTES) -> Markup:
    """Make a figure of a photo with its caption; a click, a tap or the space bar enlarges it.

    The photo is encoded anew, so that neither its position nor its camera goes with the page.

    Args:
        image: The photo; None says that there is no picture.
        alt: The photo in words.
        caption: Text below.
        beside: A second picture, to the right, such as a map of the same photo; or why there is
            none, where others have one.
        most: Bytes of each picture above which it is made smaller.
    """
    pictures = [
        {"source": _encode(each, most), "width": each.width, "height": each.height, "alt": words}
        for each, words in ((image, alt), (beside, f"what spoke for it in {alt}"))
        if isinstance(each, Image.Image)
    ]
    missing = beside if isinstance(beside, str) else ""
    return render("elements.html", "photo", pictures=pictures, missing=missing, caption=caption)


def _encode(image: Image.Image, most: int) -> str:
    """A JPEG as a data address, made smaller until it has at most ``most`` bytes."""
    while True:
        buffer = BytesIO()
        Image.frombytes("RGB", image.size, image.convert("RGB").tobytes()).save(buffer, "JPEG", quality=80)
        size, side = buffer.tell(), max(image.size)
        if size <= most or side <= LEAST_SIDE:
            return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
        # Bytes grow a little slower than the area.
        scale = max(min(0.95, (most / size) ** 0.5), LEAST_SIDE / side)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BICUBIC)


def thumbnail(path: str | Path, side: int, white: WhiteLevels | None = FULL_RANGE) -> Image.Image | None:
    """Read a photo, upright and at most ``side`` pixels wide or high; None if it is unreadable."""
    try:
        image = decode(path, side, white)
    except DecodeError:
        return None
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
