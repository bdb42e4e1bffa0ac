"""The Review page in a browser: by keys until it answers, by touch, and in Korean."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from posture_classifier.app.access import Access
from posture_classifier.app.review.queue import ERROR, KINDS
from posture_classifier.app.server import build_app
from posture_classifier.app.shell import STATIC
from posture_classifier.app.workplace import find_workplace
from tests.helpers.browser import PHONE, chromium, served, watched_page

if TYPE_CHECKING:
    from playwright.sync_api import Page

TEXTS = {code: json.loads((STATIC / "review" / "languages" / f"{code}.json").read_text(encoding="utf-8")) for code in ("en", "ko")}


@contextmanager
def opened(run: Path, **context: Any) -> "Iterator[Page]":
    """The page, which neither fails in the console nor asks anybody else."""
    access = Access()
    with (
        served(build_app(find_workplace(run), access)) as address,
        chromium() as browser,
        watched_page(browser, f"{address}?key={access.key}", **context) as (page, watched),
    ):
        page.wait_for_url(f"{address}try")  # to which the key leads
        page.goto(f"{address}review")
        page.wait_for_selector("body[data-ready]")
        yield page
        watched.assert_quiet()


def decisions(root: Path) -> list[tuple[str, str]]:
    with (root / "fixes.csv").open(newline="") as file:
        return [(row["decision"], row["new_label"]) for row in csv.DictReader(file)]


def count(page: "Page", done: int) -> None:
    page.wait_for_selector(f'.review-head progress[value="{done}"]')


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_decided_by_keys_trained_again_and_answered(run: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    with opened(run) as page:
        assert page.inner_text(".count") == "0 of 4 decided"
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.querySelector('.stage img').naturalWidth") == 20
        for key in ("1", "x", "f"):
            page.keyboard.press(key)
        count(page, 3)
        assert decisions(root) == [("relabel", "left"), ("remove", ""), ("fine", "")]
        page.keyboard.press("u")
        count(page, 2)
        assert decisions(root) == [("relabel", "left"), ("remove", "")]
        assert page.inner_text(".moves span") == "3 of 4", "the photo of that decision is shown again"
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("f")
        count(page, 4)
        assert page.is_visible(".empty")

        page.click(".train")
        page.reload()  # the training goes on
        page.wait_for_selector(".verdict", timeout=120_000)
        rows = {row.get_attribute("data-part"): row.inner_text() for row in page.query_selector_all("tr[data-part]")}
        assert "6 photos" in rows["untouched"]
        assert "7 photos" in rows["all"]
        assert page.query_selector(".verdict.unsettled") is not None
        assert (run.with_name("version_1") / "test" / "predictions.csv").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("no_check")
def test_by_touch_in_korean_on_a_phone(run: Path, tmp_path: Path) -> None:
    with opened(run, viewport=PHONE, has_touch=True, is_mobile=True, locale="ko-KR", color_scheme="dark") as page:
        assert page.inner_text("h1") == TEXTS["ko"]["review.question"].replace("{label}", "right")
        page.tap("[data-class=left]")
        count(page, 1)
        page.tap("[data-action=remove]")
        count(page, 2)
        page.tap("[data-action=undo]")
        count(page, 1)
        assert decisions(tmp_path / "photos") == [("relabel", "left")]
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        untranslated = page.evaluate(
            "[...document.querySelectorAll('main *')].filter(e => /review\\.\\w+/.test(e.textContent)).length"
        )
        assert untranslated == 0


@pytest.mark.slow
@pytest.mark.usefixtures("shortcut_check")
@pytest.mark.parametrize("context", [{}, {"locale": "ko-KR"}, {"viewport": PHONE, "has_touch": True, "is_mobile": True}])
def test_a_shortcut_is_looked_at_photo_by_photo(run: Path, context: dict[str, Any]) -> None:
    with opened(run, **context) as page:
        while page.query_selector(".stage .whole") is None:
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(50)
        reasons = [reason.inner_text() for reason in page.query_selector_all(".reasons li")]
        assert len(reasons) == 2, "that of all photos, and that of the chosen one"
        assert ("작은 모델" if "locale" in context else "small model") in reasons[0]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.querySelector('.actions').getBoundingClientRect().bottom <= innerHeight")
        first = page.get_attribute(".whole img", "src")
        assert str(first).endswith("/large")
        page.keyboard.press("ArrowDown")
        page.wait_for_selector(f'.whole img:not([src="{first}"])')
        page.keyboard.press("Enter")
        page.wait_for_selector(".stage:not(.n5)")


def test_both_languages_have_the_same_texts_with_the_same_values() -> None:
    def names(text: Any) -> set[str]:
        whole = " ".join(text) if isinstance(text, list) else text
        return {part.partition("}")[0] for part in whole.split("{")[1:]}

    assert {key: names(text) for key, text in TEXTS["en"].items()} == {key: names(text) for key, text in TEXTS["ko"].items()}


def test_every_text_that_the_page_asks_for_is_there() -> None:
    code = " ".join(path.read_text(encoding="utf-8") for path in (STATIC / "review").glob("*.js"))
    asked = set(re.findall(r'"(review\.[\w.]+)"', code))
    begun = set(re.findall(r"`(review\.[\w.]+\.(?:all_)?)\$\{", code))
    assert len(asked) > 20
    assert asked <= TEXTS["en"].keys()
    assert {stem for stem in begun if not any(key.startswith(stem) for key in TEXTS["en"])} == set()
    assert {f"review.reason.{kind}" for kind in (ERROR, *KINDS)} <= TEXTS["en"].keys()
