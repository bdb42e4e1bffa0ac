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
    """Fill a template, or one of its macros.

    Args:
        template: Name of a file in ``templates/``.
        macro: Name of the macro; None fills the whole file.
        values: Arguments of the macro, or variables of the file.

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
    return render("elements.html", "shaded_table", names=names, rows=rows, turned=turned)


def photo(image: Image.Image | None, alt: str, caption: str) -> Markup:
    """Make a figure of a photo with its caption; None says that there is no picture.

    The photo is encoded anew, so that neither its position nor its camera goes with the page.
    """
    source = None
    if image is not None:
        buffer = BytesIO()
        Image.frombytes("RGB", image.size, image.convert("RGB").tobytes()).save(buffer, "JPEG", quality=75)
        source = f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return render("elements.html", "photo", source=source, alt=alt, caption=caption)


def thumbnail(path: Path, side: int, white: WhiteLevels | None = FULL_RANGE) -> Image.Image | None:
    """Read a photo, upright and at most ``side`` pixels wide or high; None if it is unreadable.

    Args:
        path: The file.
        side: Number of pixels.
        white: The values that are white in a photo of more than 8 bits.
    """
    try:
        image = decode(path, side, white)
    except DecodeError:
        return None
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
