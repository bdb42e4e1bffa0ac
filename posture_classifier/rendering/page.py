"""The pages of ``check``, ``compare`` and ``report``: one HTML file, no script, no request."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from posture_classifier.rendering.elements import render
from posture_classifier.rendering.translation import ENGLISH, Translator
from posture_classifier.utils.text import printable

GENERATOR = "posture_classifier"
"""What the head of each page names as the program that wrote it."""
STYLE = Path(__file__).parent / "style.css"
"""The one style sheet of all pages."""
HEAD = 2000
"""Characters within which the head names it."""


@dataclass(frozen=True)
class Section:
    """A part of a page, with a heading.

    The level ``error``, ``warning`` or ``note`` colours the heading. Links know the section by its
    anchor, which by default follows from the title.
    """

    title: str
    body: Markup
    level: str = ""
    anchor: str = ""

    @property
    def id(self) -> str:
        """The anchor."""
        return self.anchor or re.sub(r"\W+", "-", self.title.lower()).strip("-")


def write_page(path: Path, title: str, lead: Markup, sections: Sequence[Section], translator: Translator | None = None) -> None:
    """Write a page: the title, the lead below it, and the sections, each under a line.

    The sections are in English; the translator, if there is one, translates all of the page.

    Example:
        >>> from markupsafe import Markup
        >>> write_page(Path("page.html"), "left & right", Markup("<p>What was found.</p>"), [])
        >>> "<h1>left &amp; right</h1>" in Path("page.html").read_text()
        True
    """
    style = Markup(STYLE.read_text(encoding="utf-8"))
    translator = translator or Translator(ENGLISH)
    page = render(
        "page.html",
        title=title,
        lead=lead,
        sections=sections,
        style=style,
        generator=GENERATOR,
        language=translator.language,
    )
    # Names of files may hold bytes that are no UTF-8, which no page can.
    path.write_text(printable(translator.page(page)) + "\n", encoding="utf-8")


def is_our_page(path: Path) -> bool:
    """Whether a file is a page that this program wrote, which it may write anew."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return f'<meta name="generator" content="{GENERATOR}">' in file.read(HEAD)
    except OSError:
        return False


def next_step(sentence: str, command: str) -> Section:
    """The last section of a page: a sentence, and a command line that can be pasted."""
    return Section("Next step", render("elements.html", "command", sentence=sentence, line=command))
