"""The page that ``check``, ``compare`` and ``report`` write."""

from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.rendering.page import (
    Html,
    Section,
    bullets,
    contents,
    facts,
    paragraph,
    photo,
    photos,
    table,
    text,
    write_page,
)
from posture_classifier.rendering.svg_charts import (
    GROUND,
    INK,
    SERIES,
    chart,
    chart_row,
    drawing,
    legend_below,
    line_style,
    picture,
)
from tests.helpers.pages import assert_stands_alone


@drawing()
def drawn(lines: int) -> Html:
    figure, axes = chart("false alarms", "caught")
    for number in range(lines):
        axes.plot([0, 1], [0, number], **line_style(number, marker=True), label=f"$a_b {number} <목>")
    axes.bar([0], [1], color=INK, hatch="//")
    axes.legend()
    return picture(figure, 'lines & "bars"', "caption")


def test_a_page_of_everything_stands_alone(tmp_path: Path) -> None:
    pixels = Image.new("RGB", (8, 6), "red")
    sections = [
        Section("Figures <now>", chart_row([drawn(2), drawn(3)]), "error"),
        Section("Photos", photos([photo(pixels, "a & b", "caption"), photo(None, "", "lost <one>")], large=True)),
        Section("Text", bullets(["x < y"]) + facts([("photos", "3")]) + table(["class", "right"], [["left", "0.9"]], "All")),
    ]
    path = tmp_path / "page.html"
    write_page(path, "A <title>", paragraph("Lead & more", "lead") + contents(sections), sections)
    page = path.read_text(encoding="utf-8")
    assert_stands_alone(page)
    for shown in ("A &lt;title&gt;", "Lead &amp; more", "lost &lt;one&gt;", "x &lt; y", 'href="#figures-now"', "$a_b 1 &lt;목&gt;"):
        assert shown in page


def test_a_figure_repeats_to_the_byte_in_the_pages_ink() -> None:
    once = drawn(6)
    assert once == drawn(6)
    assert not [colour for colour in (INK, GROUND, *SERIES) if colour in once]
    assert "currentColor" in once
    assert "font-family" not in once
    assert 'aria-label="lines &amp; &quot;bars&quot;"' in once


@drawing()
def heights(lines: int) -> tuple[float, float]:
    """CSS pixels that the axes are high, and the figure."""
    figure, axes = chart("false alarms", "caught")
    for number in range(lines):
        axes.plot([0, 1], [0, number + 1], label=f"line {number}")
    legend_below(axes)
    figure.draw_without_rendering()
    return axes.get_window_extent().height, 72 * figure.get_figheight()


def test_names_below_a_chart_do_not_squeeze_it() -> None:
    (one, low), (six, high) = heights(1), heights(6)
    assert six == pytest.approx(one, abs=6)
    assert six > 150
    assert high > low


def test_html_is_escaped_once() -> None:
    assert text("a < b") == "a &lt; b"
    assert text(text("a < b")) == "a &lt; b"
    assert paragraph("a") + "<b>" == "<p>a</p>&lt;b&gt;"
    assert text("\udcff") == "\ufffd", "a byte of a file name that is no UTF-8"


def test_columns_of_figures_are_aligned() -> None:
    page = table(["name", "value", "words"], [["1 a", "0.9 (0.8 to 1.0)", "9 of"], ["b", "", "x"]])
    assert page.count('<th scope="col" class="number">') == 1
    assert page.count('<td class="number">') == 2


@pytest.mark.parametrize(
    "contaminated", ['<img src="https://x.y/a.png" alt="a">', "<script></script>", '<a href="#nowhere">a</a>', "<p><b></p>"]
)
def test_the_check_of_pages_finds_what_it_looks_for(tmp_path: Path, contaminated: str) -> None:
    write_page(tmp_path / "page.html", "title", Html(contaminated), [])
    with pytest.raises(AssertionError):
        assert_stands_alone((tmp_path / "page.html").read_text(encoding="utf-8"))
