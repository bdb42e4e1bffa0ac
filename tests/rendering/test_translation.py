"""Which language is chosen, and what of a text and of a page is translated."""

from pathlib import Path

import pytest
from markupsafe import Markup

from posture_classifier.rendering import translation
from posture_classifier.rendering.page import Section, next_step, write_page
from posture_classifier.rendering.translation import Translator, available_languages, choose_language, compile_pattern
from posture_classifier.utils.errors import UserError
from tests.helpers.pages import assert_stands_alone

TABLE = """
- {en: "{n} photo[|s] of {n2} group[|s]", xx: "G{n2} F{n}"}
- {en: "On {SIZE}.", xx: "{SIZE} ma."}
- {en: "No groups are named: {WHY}.", xx: "Sin grupo; {WHY}."}
- {en: "Look at {Names}.", xx: "Vidu {Names}."}
- {en: "{Names} and {n} more", xx: "{Names} +{n}"}
- {en: "{A}, {B}", xx: "{A} / {B}"}
- {en: "accuracy", xx: "praviz"}
- {en: "{name} ({n} right)", xx: "{n} <{name}>"}
- {en: "Left, what it sees.", xx: "Levo & <vid>."}
- {en: "report: {path}", xx: "raport: {path}"}
"""


@pytest.fixture(autouse=True)
def language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A third language: a file beside the others, and nothing more."""
    (tmp_path / "languages").mkdir()
    (tmp_path / "languages" / "xx.yaml").write_text(TABLE, encoding="utf-8")
    monkeypatch.setattr(translation, "TABLES", tmp_path / "languages")
    translation._patterns.cache_clear()
    return "xx"


def test_the_language_is_the_one_asked_for_or_that_of_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_languages() == ["en", "xx"]
    for name in translation.LOCALE:
        monkeypatch.delenv(name, raising=False)
    assert choose_language() == "en"
    monkeypatch.setenv("LANG", "xx_YY.UTF-8")
    assert choose_language() == "xx"
    assert choose_language("en") == "en"
    monkeypatch.setenv("LC_MESSAGES", "")
    assert choose_language() == "xx", "an empty variable counts as none"
    monkeypatch.setenv("LC_MESSAGES", "fr_FR@euro")
    assert choose_language() == "en", "a language without a table"
    monkeypatch.setenv("LC_ALL", "xx")
    assert choose_language() == "xx"
    with pytest.raises(UserError, match="en, xx"):
        choose_language("fr")


@pytest.mark.parametrize(
    ("english", "translated"),
    [
        ("1 photo of 1 group", "G1 F1"),
        ("1,200 photos of 18 groups", "G18 F1,200"),
        ("accuracy, accuracy", "praviz / praviz"),
        ("accuracy, of nobody knows what", "accuracy, of nobody knows what"),
        ("On 3 photos of 2 groups. A sentence of others. On accuracy.", "G2 F3 ma. A sentence of others. praviz ma."),
        ("Look at a. b.jpg and 2 more.", "Vidu a. b.jpg +2."),
        ("No groups are named: accuracy.", "Sin grupo; praviz."),
        ("No groups are named: something else.", "No groups are named: something else."),
        ("report: accuracy", "raport: accuracy"),
        ("anna (1 right), bob (2 right)", "1 <anna> / 2 <bob>"),
        ("0.927", "0.927"),
        ("", ""),
    ],
)
def test_a_text_is_translated_as_far_as_it_is_known(english: str, translated: str) -> None:
    assert Translator("xx").text(english) == translated


def test_a_name_stays_whatever_it_means() -> None:
    translator = Translator("xx", names=["accuracy", "left"])
    assert translator.text("accuracy") == "accuracy"
    assert translator.text("accuracy, left") == "accuracy / left"
    assert Translator("xx").text("accuracy, left") == "accuracy, left"


def test_a_number_is_no_word() -> None:
    pattern = compile_pattern("{n} of {n2}")
    for text in ("3 of 4", "+0.5 of \N{MINUS SIGN}1.25", "1,234 of 1e-05"):
        assert pattern.fullmatch(text)
    assert not pattern.fullmatch("one of 4")
    assert not pattern.fullmatch("3. of 4")


def test_a_page_keeps_its_tags_style_commands_and_escapes(tmp_path: Path) -> None:
    body = Markup(
        '<p>\n Left,\n what it\n sees. </p><p>1 photo of 1 group<br>&lt;a  b&#39;s&gt;</p><img src="data:," alt="accuracy">'
    )
    sections = [Section("accuracy", body), next_step("report: a & b", "accuracy")]
    write_page(tmp_path / "page.html", "accuracy", Markup("<p>accuracy</p>"), sections, Translator("xx"))
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert '<html lang="xx">' in page
    assert "<title>praviz</title>" in page
    assert '<section id="accuracy"><h2>praviz</h2>' in page, "links stay"
    assert "<p>\n Levo &amp; &lt;vid&gt;. </p><p>G1 F1<br>&lt;a  b&#39;s&gt;</p>" in page, "a name is not touched"
    assert 'alt="praviz"' in page
    assert "<p>raport: a &amp; b</p>" in page
    assert '<pre class="command">accuracy</pre>' in page
    write_page(tmp_path / "english.html", "accuracy", Markup("<p>accuracy</p>"), sections)
    english = (tmp_path / "english.html").read_text(encoding="utf-8")
    assert '<html lang="en">' in english
    assert "praviz" not in english
