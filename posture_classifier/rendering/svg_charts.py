"""Figures for pages: matplotlib's, as SVG within the HTML, in the page's own ink by day and by night.

@drawing()
def roc(points: Floats) -> Html:
    figure, axes = chart("false alarms", "caught")
    axes.plot(*points, **series(0), label="test")
    return picture(figure, "ROC curve: ...")
"""

import hashlib
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from posture_classifier.rendering.fonts import fonts
from posture_classifier.rendering.page import Html, joined, text

INK, GROUND = "#010203", "#fdfcfb"
"""Stand for the page's colours of text and ground."""
SERIES = ("#0072b2", "#d55e00", "#008060", "#b0578d", "#a87400", "#2f8fc4")
"""Stand for the page's six colours of lines."""
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
VARIABLES = {INK: "currentColor", GROUND: "var(--ground)"} | {c: f"var(--series-{n})" for n, c in enumerate(SERIES, start=1)}
WIDTH, HEIGHT = 340, 250
"""CSS pixels: the width of a phone, so that letters need not shrink there."""
LEGEND_ROW = 18
"""CSS pixels."""
STYLE: dict[str, Any] = {
    "figure.dpi": 72,  # a point is a CSS pixel
    "svg.fonttype": "none",  # letters stay letters: small, and in the page's font
    "text.parse_math": False,  # a dollar in a class name begins no formula
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"), INK),
    **dict.fromkeys(("figure.facecolor", "axes.facecolor", "savefig.facecolor", "legend.facecolor"), "none"),
    **dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize", "legend.fontsize"), 12),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 11),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon"), False),
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.alpha": 0.15,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}


@contextmanager
def drawing() -> Iterator[None]:
    """The page's style while something is drawn: a decorator of functions that draw, or a ``with`` block."""
    style: Any = STYLE | {"font.family": fonts()}  # matplotlib types every name of a setting
    with rc_context(style):
        yield


def chart(x: str, y: str, width: int = WIDTH, height: int = HEIGHT) -> tuple[Figure, Axes]:
    """An empty chart with the names of its axes, and its size in CSS pixels."""
    figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def line_style(number: int, marker: bool = False) -> dict[str, Any]:
    """Colour, dashes and, if wanted, marker of the n-th line, so that it is told from the others without colour too."""
    style: dict[str, Any] = {"color": SERIES[number % len(SERIES)], "linestyle": LINES[number % len(LINES)]}
    if marker:
        style |= {"marker": MARKERS[number % len(MARKERS)], "markeredgecolor": GROUND, "markeredgewidth": 0.6}
    return style


def legend_below(axes: Axes) -> None:
    """Name the lines below the chart, each in a row by which the figure grows: they neither cover nor squeeze what is drawn."""
    figure: Any = axes.figure
    figure.legend(loc="outside lower left", ncols=1, handlelength=2.6)
    figure.set_figheight(figure.get_figheight() + LEGEND_ROW / 72 * len(axes.get_legend_handles_labels()[0]))


def picture(figure: Figure, alt: str, caption: str = "") -> Html:
    """A figure, within ``drawing``, as SVG that asks for nothing and repeats to the byte.

    Args:
        figure: What was drawn.
        alt: What it shows, in words, for those who do not see it.
        caption: Text below it.
    """
    below = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    return Html(f'<figure class="chart"><div class="scroll">{_svg(figure, alt)}</div>{below}</figure>')


def chart_row(pictures: Iterable[Html]) -> Html:
    """Figures in a row, one below the other where the screen is narrow."""
    return Html(f'<div class="charts">{joined(pictures)}</div>')


def _svg(figure: Figure, alt: str) -> str:
    buffer = StringIO()
    with rc_context({"svg.hashsalt": "page"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's machine may well have it
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    drawn = buffer.getvalue()
    drawn = re.sub(
        r"<metadata>.*?</metadata>\s*|<style.*?</style>\s*|<!--.*?-->\s*", "", drawn[drawn.index("<svg") :], flags=re.DOTALL
    )
    # The page's own font; older matplotlib writes it and the size in one word.
    drawn = re.sub(r"font-family: [^;\"]*;? ?", "", re.sub(r"font: ([\d.]+px) [^;\"]*", r"font-size: \1", drawn))
    # A hundredth of a pixel is enough; what is written between the tags stays as it is.
    drawn = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\.\d\d)\d+", r"\1", tag[0]), drawn)
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, variable)
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    begin = f'<svg role="img" aria-label="{text(alt)}" width="{width}" viewBox="0 0 {width} {height}">'
    return re.sub(r"\n\s*", "\n", begin + _own_ids(drawn[drawn.index(">") + 1 :])).strip()


def _own_ids(drawn: str) -> str:
    """Keep the ids that something refers to, and make them this figure's own: several figures share a page."""
    drawn = drawn.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", drawn)
    own = hashlib.sha256(drawn.encode()).hexdigest()[:8]
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{own}-", drawn)
