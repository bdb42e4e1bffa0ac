"""The frame of every page: its head and the navigation; a script fills in the rest."""

from pathlib import Path
from string import Template
from typing import Literal, get_args

from starlette.responses import HTMLResponse, Response

PageName = Literal["try", "collect", "review"]
PAGES: tuple[PageName, ...] = get_args(PageName)
STATIC = Path(__file__).parent / "static"


def shell(page: PageName, script: str, style: str | None = None) -> Response:
    """A page.

    Args:
        page: The entry of the navigation that it is.
        script: Path of the ES module that fills ``<main>``, such as ``/static/collect.js``.
        style: Path of a style sheet beside those of all pages.
    """
    link = f'<link rel="stylesheet" href="{style}">' if style else ""
    content = Template((STATIC / "shell.html").read_text(encoding="utf-8"))
    return HTMLResponse(content.substitute(page=page, script=script, style=link))
