"""The page that ``check``, ``compare`` and ``report`` write."""

from pathlib import Path

import pytest
from markupsafe import Markup
from PIL import Image

from posture_classifier.rendering.elements import photo, render
from posture_classifier.rendering.page import Section, is_our_page, next_step, write_page
from tests.helpers.pages import assert_stands_alone
from tests.rendering.test_svg_charts import draw


def test_a_page_of_everything_stands_alone(tmp_path: Path) -> None:
    photos = [photo(Image.new("RGB", (8, 6), "red"), "a & b", "caption"), photo(None, "", "lost <one>")]
    table = render("elements.html", "table", head=["class", "right"], rows=[["x < y", "0.9"]], caption="All")
    sections = [
        Section("Charts <now>", render("elements.html", "chart_row", charts=[draw(2), draw(3)]), "error"),
        Section("Photos", render("elements.html", "photo_grid", photos=photos, kind="large"), anchor="seen"),
        Section("Text", render("elements.html", "facts", pairs=[("photos", "3")]) + table),
    ]
    path = tmp_path / "page.html"
    write_page(path, "A <title>", render("elements.html", "contents", sections=sections), sections)
    page = path.read_text(encoding="utf-8")
    assert_stands_alone(page)
    for shown in ("A &lt;title&gt;", "lost &lt;one&gt;", "x &lt; y", 'href="#charts-now"', 'href="#seen"', "$a_b 1 &lt;목&gt;"):
        assert shown in page
    assert '<h2 class="error">' in page
    assert "prefers-color-scheme: dark" in page, "the style sheet is within the page"


def test_bytes_that_are_no_utf_8_are_replaced(tmp_path: Path) -> None:
    write_page(tmp_path / "page.html", "\udcff", Markup("<p>\x1b</p>"), [])
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>\ufffd</h1>" in page
    assert "<p>\ufffd</p>" in page


def test_pages_of_ours_are_told_from_others(tmp_path: Path) -> None:
    page, foreign = tmp_path / "page.html", tmp_path / "foreign.html"
    write_page(page, "title", Markup("<p>lead</p>"), [next_step("Do <this>:", "echo 'a & b'")])
    foreign.write_text("<!DOCTYPE html><title>posture_classifier</title>", encoding="utf-8")
    assert [is_our_page(path) for path in (page, foreign, tmp_path / "none.html", tmp_path)] == [True, False, False, False]
    assert '<pre class="command">echo &#39;a &amp; b&#39;</pre>' in page.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "contaminated", ['<img src="https://x.y/a.png" alt="a">', "<script></script>", '<a href="#nowhere">a</a>', "<p><b></p>"]
)
def test_the_check_of_pages_finds_what_it_looks_for(tmp_path: Path, contaminated: str) -> None:
    write_page(tmp_path / "page.html", "title", Markup(contaminated), [])
    with pytest.raises(AssertionError):
        assert_stands_alone((tmp_path / "page.html").read_text(encoding="utf-8"))
