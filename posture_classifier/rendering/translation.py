"""Pages and printed lines in another language, by a table of sentences: ``languages/ko.yaml``.

Code and templates write English, and what they have written is translated where it leaves the
program: each piece of text of a page, each line and cell of a terminal. gettext would mark every
sentence where it is made, several hundred of them, and could still not translate what comes from
files: a run's page quotes ``check.json`` and ``summary.json``, which other programs read too.

A table is a list of pairs, ``en`` and the language's own name. Each is a sentence, or a part of
one, as a pattern. ``photo[|s]`` stands for ``photo`` and ``photos``. What stands in braces is put
into the translation, in whatever order that has. The first letter of its name says what it is:

- ``{n}``, ``{n2}``: a number.
- ``{WHY}``: text that is in the table itself, or a number, or a name of the user's own.
- ``{Names}``: text that may be in the table, as ``a, b and 2 more``.
- ``{path}``: text that stays as it is.

A text of several sentences is translated sentence by sentence. What no pattern matches stays, as do
all names of classes and groups: at most a heading of the same name stays English for them.
"""

import os
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from html import escape, unescape
from pathlib import Path
from typing import NamedTuple

import yaml

from posture_classifier.utils.bounded_yaml import LOADER
from posture_classifier.utils.errors import UserError

ENGLISH = "en"
TABLES = Path(__file__).parent / "languages"
LOCALE = ("LC_ALL", "LC_MESSAGES", "LANG")
"""Environment variables that name the language of messages, in the order of POSIX."""
NUMBER = "[-+\N{MINUS SIGN}]?\\d(?:[\\d.,]*\\d)?(?:e[-+]?\\d+)?"
PLACEHOLDER = re.compile(r"\{(\w+)\}")
COUNT = re.compile(r"n\d*")
"""Names of placeholders for numbers."""
SENTENCE_END = re.compile(r"(?<=[.?!]) (?=\S)")
LEADING = re.compile(r"[\s.:;,]*")
"""What may stand before a piece of a page whose beginning is in another element."""
PIECES = re.compile(r"(<style>.*?</style>|<pre.*?</pre>|<[^>]*>)", re.DOTALL)
"""Tags, style sheets and commands of a page, between which its text is."""
SPOKEN = re.compile(r'(?<= )(aria-label|alt)="([^"]*)"')
"""Attributes that are read to those who do not see a picture."""


class Pattern(NamedTuple):
    """An entry of a table: what it matches, and the translation with the same placeholders."""

    english: re.Pattern[str]
    translation: str


def available_languages() -> list[str]:
    """English, and the languages that have a table."""
    return [ENGLISH, *sorted(path.stem for path in TABLES.glob("*.yaml"))]


def choose_language(language: str | None = None) -> str:
    """The language that was asked for, or else that of the locale, if it has a table, or English.

    Raises:
        UserError: It was asked for and has no table.
    """
    known = available_languages()
    if language is not None and language not in known:
        raise UserError(f"--language {language} is not there; choose one of {', '.join(known)}")
    locale = next(filter(None, map(os.environ.get, LOCALE)), "")
    found = language or re.split("[_.@]", locale)[0].lower()
    return found if found in known else ENGLISH


def read_table(language: str) -> list[tuple[str, str]]:
    """Pairs of an English pattern and its translation; none for English."""
    if language == ENGLISH:
        return []
    entries = yaml.load((TABLES / f"{language}.yaml").read_text(encoding="utf-8"), LOADER)
    return [(entry[ENGLISH], entry[language]) for entry in entries]


def compile_pattern(english: str) -> re.Pattern[str]:
    """A regular expression with a group for each placeholder, which takes as little as it can."""
    parts, known = [], set()
    for part in re.split(r"(\{\w+\}|\[[^\]]*\])", english):
        if found := PLACEHOLDER.fullmatch(part):
            name = found[1]
            kind = NUMBER if COUNT.fullmatch(name) else ".+?"
            parts.append(f"(?P={name})" if name in known else f"(?P<{name}>{kind})")
            known.add(name)
        elif part.startswith("["):
            parts.append(f"(?:{'|'.join(map(re.escape, part[1:-1].split('|')))})")
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts), re.DOTALL)


@lru_cache
def _patterns(language: str) -> list[Pattern]:
    """The patterns of a table in the order in which they are tried, the most certain first."""

    def uncertainty(entry: tuple[str, str]) -> tuple[bool, bool, int]:
        names, letters = PLACEHOLDER.findall(entry[0]), PLACEHOLDER.sub("", entry[0])
        takes_anything = any(not name.isupper() and not COUNT.fullmatch(name) for name in names)
        # A list of known parts would otherwise be one part for a pattern that begins with a name.
        begins_open = entry[0].startswith("{")
        return begins_open, begins_open and takes_anything, -len(letters)

    return [
        Pattern(compile_pattern(english), translation) for english, translation in sorted(read_table(language), key=uncertainty)
    ]


class Translator:
    """Translates what is about to be shown.

    Args:
        language: One of ``available_languages``; None is that of the locale.
        names: Names of classes and groups, which are never translated.

    Raises:
        UserError: There is no such language.

    Example:
        >>> Translator("ko").text("3 photos of 2 groups")
        '그룹 2개의 사진 3장'
    """

    def __init__(self, language: str | None = None, names: Collection[str] = ()) -> None:
        self.language = choose_language(language)
        self._names = frozenset(names)
        self._patterns = _patterns(self.language)
        self._known: dict[str, str | None] = {}

    def text(self, text: str) -> str:
        """Translate the sentences of a text that are in the table."""
        if not self._patterns:
            return text
        return " ".join(sentence if found is None else found for sentence, found in self._sentences(text))

    def page(self, page: str) -> str:
        """Translate the text of a page, of which tags, style and commands stay."""
        if not self._patterns:
            return page
        pieces = PIECES.split(page)
        pieces[::2] = [self._piece(piece) for piece in pieces[::2]]
        pieces[1::2] = [SPOKEN.sub(self._attribute, piece) for piece in pieces[1::2]]
        return "".join(pieces)

    def _piece(self, piece: str) -> str:
        """A text between two tags, with the space around it; a name keeps the spaces in it, too."""
        start = LEADING.match(piece)
        words = piece[start.end() if start else 0 :].rstrip()
        text = unescape(" ".join(words.split()))
        translated = self.text(text)
        return piece if translated == text else piece.replace(words, escape(translated, quote=False), 1)

    def _attribute(self, found: re.Match[str]) -> str:
        return f'{found[1]}="{escape(self.text(unescape(found[2])))}"'

    def _sentences(self, text: str) -> list[tuple[str, str | None]]:
        """Each sentence with its translation, or None; a file name may look like the end of one."""
        sentences = list(self._divided(text))
        if any(found is None for _, found in sentences) and (whole := self._whole(text)) is not None:
            return [(text, whole)]
        return sentences

    def _divided(self, text: str) -> Iterator[tuple[str, str | None]]:
        """The shortest parts of a text that patterns match, or else single sentences."""
        parts = SENTENCE_END.split(text)
        start = 0
        while start < len(parts):
            ends = range(start + 1, len(parts) + 1)
            candidates = ((end, " ".join(parts[start:end])) for end in ends)
            end, sentence = next((each for each in candidates if self._whole(each[1]) is not None), (start + 1, parts[start]))
            yield sentence, self._whole(sentence)
            start = end

    def _whole(self, text: str) -> str | None:
        """The translation of a text that one pattern matches; None if none does."""
        if text not in self._known:
            self._known[text] = self._find(text)
        return self._known[text]

    def _find(self, text: str) -> str | None:
        if text in self._names or not re.search("[A-Za-z]", text):
            return text
        for pattern in self._patterns:
            if (match := pattern.english.fullmatch(text)) and (filled := self._fill(pattern.translation, match)) is not None:
                return filled
        return None

    def _fill(self, translation: str, match: re.Match[str]) -> str | None:
        """The translation with what was matched; None if a part that should be known is not."""
        values = match.groupdict()
        for name, value in values.items():
            if name[0].isupper():
                sentences = self._sentences(value)
                if name.isupper() and any(found is None for _, found in sentences):
                    return None
                values[name] = " ".join(each if found is None else found for each, found in sentences)
        return translation.format_map(values)
