"""Charts as SVG within a page."""

import pytest
from markupsafe import Markup

from posture_classifier.rendering.svg_charts import (
    GROUND,
    INK,
    SERIES,
    chart_markup,
    chart_style,
    empty_chart,
    legend_below,
    line_style,
    shortened,
)


@chart_style()
def draw(lines: int) -> Markup:
    """A chart with names that HTML must escape and mathematics must not claim."""
    figure, axes = empty_chart("false alarms", "caught")
    for number in range(lines):
        axes.plot([0, 1], [0, number], **line_style(number, marker=True), label=f"$a_b {number} <목>")
    axes.bar([0], [1], color=INK, hatch="//")
    axes.legend()
    return chart_markup(figure, 'lines & "bars"', "a < b")


def test_a_chart_repeats_to_the_byte_in_the_pages_colours() -> None:
    once = draw(6)
    assert once == draw(6)
    assert not [colour for colour in (INK, GROUND, *SERIES) if colour in once]
    assert "currentColor" in once
    assert "font-family" not in once
    assert 'aria-label="lines &amp; &#34;bars&#34;"' in once
    assert "<figcaption>a &lt; b</figcaption>" in once


@chart_style()
def heights(lines: int) -> tuple[float, float]:
    """CSS pixels that the axes are high, and the figure."""
    figure, axes = empty_chart("false alarms", "caught")
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


def test_a_long_name_keeps_its_ends() -> None:
    assert shortened("left") == "left"
    short = shortened("a" + "x" * 100 + "b")
    assert len(short) == 30
    assert (short[0], short[-1]) == ("a", "b")
