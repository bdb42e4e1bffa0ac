"""Which letters pictures can show, and what they show in place of the others."""

from collections.abc import Iterator

import pytest
from matplotlib.font_manager import fontManager, get_font

from posture_classifier.rendering import fonts as module
from posture_classifier.rendering.fonts import DEFAULT, advise_font, drawable, fonts, spelt

STIX = next(font.fname for font in fontManager.ttflist if font.name == "STIXGeneral")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine with no font but matplotlib's own."""
    monkeypatch.setattr(module, "MORE_LETTERS", ())
    monkeypatch.setattr(module, "_system_fonts", list)
    module._font_of.cache_clear()
    yield
    module._font_of.cache_clear()


@pytest.mark.usefixtures("bare")
def test_what_no_font_has_is_known() -> None:
    assert fonts(["left", "é", "ß", "Привет"]) == [DEFAULT]
    assert [drawable(text) for text in ("turtle_neck", "é", "سلام", "거북목", "left 猫")] == [True, True, True, False, False]
    assert "fonts-noto-cjk" in advise_font(["left", "猫"])
    assert "fonts-noto-core" in advise_font(["क"])


@pytest.mark.usefixtures("bare")
def test_a_font_that_is_installed_is_found_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that matplotlib's own list, which is made once, does not know."""
    usual = next(font.fname for font in fontManager.ttflist if font.name == DEFAULT)
    letter = chr(min(set(get_font(STIX).get_charmap()) - set(get_font(usual).get_charmap())))
    assert not drawable(letter)
    monkeypatch.setattr(module, "_system_fonts", lambda: [STIX])
    monkeypatch.setattr(fontManager, "ttflist", [font for font in fontManager.ttflist if font.fname != STIX])
    module._font_of.cache_clear()
    assert fonts([f"a{letter}"]) == [DEFAULT, "STIXGeneral"]
    assert drawable(letter)
    assert STIX in {font.fname for font in fontManager.ttflist}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("거북목_1", "geobugmog_1"),
        ("\u1100\u1165\u1107\u116e\u11a8", "geobug"),  # as macOS writes file names
        ("ネコ", "neko"),
        ("猫", ""),
        ("거북목猫", ""),
        ("left", "left"),
    ],
)
def test_syllables_are_spelt(text: str, expected: str) -> None:
    assert spelt(text) == expected
