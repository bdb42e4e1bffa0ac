"""Fonts that have the letters of class names, of those that this machine has."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import findSystemFonts, fontManager, get_font, get_font_names

DEFAULT = "DejaVu Sans"
"""Matplotlib's own font, which lacks Korean, Japanese and Chinese."""
MORE_LETTERS = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS")
BOXES = re.compile("last ?resort", re.IGNORECASE)
"""Fonts that have a box for every letter of the world."""
SYLLABLE = re.compile(r"(?:HANGUL SYLLABLE|(?:HIRAGANA|KATAKANA) LETTER(?: SMALL)?) (\w+)")
"""Unicode's names of letters whose last word is how they are spoken."""
EAST_ASIAN = ("HANGUL", "HIRAGANA", "KATAKANA", "CJK")


def fonts(texts: Iterable[str] = ()) -> list[str]:
    """List the usual font, then installed ones that have the other letters of the texts."""
    found = [DEFAULT, *(name for name in MORE_LETTERS if name in get_font_names())]
    for letter in sorted(set("".join(texts))):
        name = _font_of(letter)
        if name and name not in found:
            found.append(name)
    return found


def drawable(text: str) -> bool:
    """Whether installed fonts have all letters of a text."""
    return all(_font_of(letter) for letter in text)


def spelt(text: str) -> str:
    """Spell Hangul and kana in Latin letters, by Unicode's names; nothing where that is not enough.

    Example:
        >>> spelt("거북목"), spelt("ねこ_1"), spelt("猫")
        ('geobugmog', 'neko_1', '')
    """
    letters = [_spoken(letter) for letter in unicodedata.normalize("NFC", text)]
    return "".join(letters) if all(letters) else ""


def advise_font(texts: Iterable[str]) -> str:
    """Say what to install so that the letters of the texts can be drawn."""
    names = [unicodedata.name(letter, "") for letter in set("".join(texts)) if not _font_of(letter)]
    package = "fonts-noto-cjk" if any(name.startswith(EAST_ASIAN) for name in names) else "fonts-noto-core"
    return f"install a font that has them, such as {package} (Debian, Ubuntu) or Noto Sans"


def _spoken(letter: str) -> str:
    found = SYLLABLE.fullmatch(unicodedata.name(letter, ""))
    return found[1].lower() if found else letter if letter.isascii() else ""


@cache
def _font_of(letter: str) -> str:
    """Name of an installed font with the letter, which matplotlib then knows; empty without one."""
    known = [(font.name, font.fname) for name in (DEFAULT, *MORE_LETTERS) for font in fontManager.ttflist if font.name == name]
    for name, path in known:
        if ord(letter) in _letters(path):
            return name
    for path in _system_fonts():
        if ord(letter) in _letters(path):
            if all(font.fname != path for font in fontManager.ttflist):
                fontManager.addfont(path)
            return str(get_font(path).family_name)
    return ""


@cache
def _system_fonts() -> list[str]:
    """Files of the fonts that are installed now: matplotlib's own list is of the first time."""
    return sorted(findSystemFonts())


@cache
def _letters(path: str) -> frozenset[int]:
    """Code points that a font has outlines for; none where it cannot be drawn with."""
    try:
        font = get_font(path)
    except (OSError, RuntimeError, ValueError):
        return frozenset()
    return frozenset() if BOXES.search(font.family_name) or not font.scalable else frozenset(font.get_charmap())
