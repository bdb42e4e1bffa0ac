"""Words for people: short lists, plural forms, and what a terminal can show."""

import re
from typing import Any


def shortlist(names: list[str], shown: int = 5) -> str:
    """Join a few of many names for a message: ``a, b, c and 17 more``."""
    more = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def first_line(error: BaseException) -> str:
    """What another library's exception says, short enough for a sentence of ours."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:100]


def printable(text: str) -> str:
    """What names a file, as a terminal or a page can show it: without bytes that are no UTF-8, or that would command a terminal."""
    readable = text.encode(errors="surrogateescape").decode(errors="replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "\ufffd", readable)


def plural(n: int, one: str, many: str | None = None) -> str:
    """Count something in words.

    Example:
        >>> plural(1, "photo"), plural(2, "class", "classes")
        ('1 photo', '2 classes')
    """
    return f"{n} {one if n == 1 else many or one + 's'}"


def describe_size(summary: dict[str, Any]) -> str:
    """Say how many photos a summary or one of its splits has: ``180 photos of 18 groups``."""
    photos, groups = plural(summary["images"], "photo"), summary["groups"]
    return f"{photos} of {plural(groups, 'group')}" if groups else photos
