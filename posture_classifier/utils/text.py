"""Text for people: short lists, plural forms, descriptions, and names that a terminal can show."""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

LONGEST_LINE = 240
"""Characters of another library's message that a sentence of ours quotes."""


def shortlist(names: list[str], shown: int = 5) -> str:
    """Join a few of many names for a message, each on one line.

    Example:
        >>> shortlist(["a", "b", "c", "d"], shown=2)
        'a, b and 2 more'
    """
    more = len(names) - shown
    return ", ".join(map(one_line, names[:shown])) + (f" and {more} more" if more > 0 else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Ask for the known word that a wrong one is most like; nothing where none is.

    Example:
        >>> did_you_mean("fti", ["fit", "test"])
        ' (did you mean fit?)'
    """
    found = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]}?)" if found else ""


def first_line(error: BaseException) -> str:
    r"""The first line of another library's error message, which may end in what to do.

    Example:
        >>> first_line(ValueError("wrong size.\nTraceback ..."))
        'wrong size'
    """
    line = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE].rsplit(' ', 1)[0]} ..."


def printable(text: str) -> str:
    r"""Text as a terminal or page can show it: no invalid UTF-8, no control characters.

    A name could otherwise clear the screen, or turn what follows from right to left. Tabs and line
    ends stay.

    Example:
        >>> printable("a\x1b[2J.jpg")
        'a�[2J.jpg'
    """
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", "\ufffd", text)


def normalise_name(name: str) -> str:
    """Spell a name alike on every system: macOS decomposes Korean and accented letters (NFC)."""
    return unicodedata.normalize("NFC", name)


def one_line(name: str) -> str:
    """A name as a sentence can show it; a line end in it would look like the next sentence."""
    return re.sub("[\n\u2028\u2029]", "\ufffd", printable(name))


def plural(n: int, one: str, many: str | None = None) -> str:
    """Number and noun in the form that fits.

    Example:
        >>> plural(1, "photo"), plural(2, "class", "classes")
        ('1 photo', '2 classes')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def describe_size(summary: dict[str, Any]) -> str:
    """Describe the photos of a summary or of one of its splits: ``180 photos of 18 groups``.

    Example:
        >>> describe_size({"images": 180, "groups": 18})
        '180 photos of 18 groups'
    """
    photos = plural(summary["images"], "photo")
    return f"{photos} of {plural(summary['groups'], 'group')}" if summary["groups"] else photos
