"""Every text of the pages is there, in every language."""

import json
import re
from pathlib import Path
from string import Formatter

import posture_classifier.app

APP = Path(posture_classifier.app.__file__).parent
STATIC = APP / "static"
LANGUAGES = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (STATIC / "languages").glob("*.json")}


def forms(text: str | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else text


def values(text: str | list[str]) -> set[str]:
    return {name for form in forms(text) for _, name, _, _ in Formatter().parse(form) if name}


def test_all_languages_have_the_same_texts_with_the_same_values() -> None:
    english = LANGUAGES["en"]

    for texts in LANGUAGES.values():
        assert texts.keys() == english.keys()
        assert {key for key in english if not values(texts[key]) <= values(english[key])} == set()
    assert all(re.search("[가-힣]", form) for text in LANGUAGES["ko"].values() for form in forms(text))


def test_every_text_that_pages_ask_for_is_there() -> None:
    files = [
        path for path in STATIC.rglob("*") if path.suffix in (".js", ".html") and "review" not in path.relative_to(STATIC).parts
    ]
    used = {key for path in files for key in re.findall(r'(?:data-text="|\bt\(")([\w.]+)"', path.read_text(encoding="utf-8"))}

    assert len(used) > 30
    assert used - LANGUAGES["en"].keys() == set()


def test_every_missing_thing_has_a_text() -> None:
    missing = {f"missing.{code}" for code in re.findall(r'Missing\("(\w+)"', (APP / "collect" / "missing.py").read_text("utf-8"))}

    assert missing
    assert missing - LANGUAGES["en"].keys() == set()
