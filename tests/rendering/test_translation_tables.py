"""The tables of ``rendering/languages/`` are well formed, and have every sentence of the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from posture_classifier.rendering.translation import (
    ENGLISH,
    PLACEHOLDER,
    SENTENCE_END,
    available_languages,
    compile_pattern,
    read_table,
)
from tests.helpers.program import REPOSITORY

PACKAGE = REPOSITORY / "posture_classifier"
LANGUAGES = [language for language in available_languages() if language != ENGLISH]
WRITERS = (
    *sorted((PACKAGE / "check").glob("*.py")),
    *sorted((PACKAGE / "report").glob("*.py")),
    *(
        PACKAGE / path
        for path in ("runs/rule_words.py", "runs/status.py", "metrics/scores.py", "metrics/witnesses.py", "rendering/formatting.py")
    ),
    *(PACKAGE / path for path in ("rendering/learning_curves.py", "experiments/split_comparison.py")),
    *(PACKAGE / path for path in ("data/scan/scene_groups.py", "data/near_copies.py", "data/deep_photos.py", "images/decode.py")),
)
"""Modules whose sentences are on the pages and in the output of ``check``."""
TEMPLATES = [PACKAGE / "rendering" / "templates" / f"{name}.html" for name in ("check", "elements", "folds", "report")]
NOT_SHOWN = (
    # reasons in the list of --fix_list, which is English
    *("same as", "the same picture has another label", "also in a later split"),
    # what other libraries write, names of colour profiles, and a type hint
    *("Corrupt EXIF data", "dot gain", "Choice | None"),
    # what only fit and audit say
    *("Looking for photos of one scene", "each scaled by its own brightest value, as when its checkpoint was trained"),
)
WORD = r"(?<!\S)[A-Za-z][a-z']+(?=[\s,.;:)]|$)"
FEWEST_WORDS = 2
"""Words from which a text is a sentence or a part of one, rather than a name."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_entry_is_well_formed(language: str) -> None:
    table = read_table(language)
    for english, translation in table:
        compile_pattern(english)
        assert set(PLACEHOLDER.findall(english)) == set(PLACEHOLDER.findall(translation)), english
        translation.format_map(dict.fromkeys(PLACEHOLDER.findall(english), ""))  # raises at other braces
        assert english.count("[") == english.count("]") == len(re.findall(r"\[[^\[\]{}]*\|[^\[\]{}]*\]", english)), english
        assert not re.fullmatch(PLACEHOLDER, english), "it would match everything"
        assert english == " ".join(english.split())
        assert translation.strip(), english
    assert len({english for english, _ in table}) == len(table), "an entry is there twice"


@pytest.mark.parametrize("path", [*WRITERS, *TEMPLATES], ids=lambda path: str(path.relative_to(PACKAGE)))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_in_the_table(language: str, path: Path) -> None:
    known = _known(language)
    found = _of_template(path) if path.suffix == ".html" else _of_code(path)
    missing = [part for text in found for part in _sentences(text) if part not in known and part not in NOT_SHOWN]
    assert not missing, f"posture_classifier/rendering/languages/{language}.yaml lacks these"


@cache
def _known(language: str) -> str:
    return "\n".join(wording for english, _ in read_table(language) for wording in _wordings(english))


def _wordings(english: str) -> Iterator[str]:
    """What an entry matches, with a null character for each placeholder."""
    parts = re.split(r"\[([^\]]*)\]", PLACEHOLDER.sub("\0", english))
    for choice in product(*(part.split("|") if number % 2 else [part] for number, part in enumerate(parts))):
        yield "".join(choice)


def _sentences(text: str) -> Iterator[str]:
    """The sentences, or parts of them between values, that have a few words."""
    for sentence in SENTENCE_END.split(" ".join(text.split())):
        part = sentence.strip(" .:;,")
        if len(re.findall(WORD, part)) >= FEWEST_WORDS:
            yield part


def _of_code(path: Path) -> Iterator[str]:
    """Texts of a module but for its docstrings, commands and errors, which are English always."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed_over: list[ast.AST] = [node for node in ast.walk(tree) if isinstance(node, ast.Raise)]
    passed_over += [node for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    inside = {id(part) for node in passed_over for part in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def _of_template(path: Path) -> Iterator[str]:
    """Texts of a template: between its tags, and in its expressions."""
    source = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for expression in re.findall(r"\{[{%](.*?)[%}]\}", source, re.DOTALL):
        yield from re.findall(r'"([^"]*)"', expression)
    yield from re.sub(r"\{\{.*?\}\}|\{%.*?%\}|<[^>]*>", "\n\n", source, flags=re.DOTALL).split("\n\n")
