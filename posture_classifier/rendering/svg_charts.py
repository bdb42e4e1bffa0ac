"""Charts for pages: matplotlib's SVG within the HTML, in the page's colours by day and by night.

@chart_style()
def roc(points: Floats) -> Markup:
figure, axes = empty_chart("false alarms", "caught")
axes.plot(*points, **line_style(0), label="test")
return chart_markup(figure, "ROC curve: ...")
"""

import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from posture_classifier.rendering.elements import render
from posture_classifier.rendering.fonts import fonts

INK, GROUND = "#010203", "#fdfcfb"
"""Placeholders for the page's colours of text and ground."""
SERIES = ("#0072b2", "#d55e00", "#008060", "#b0578d", "#a87400", "#2f8fc4")
"""Placeholders for the page's six colours of lines, which are these by day."""
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
VARIABLES = {INK: "currentColor", GROUND: "var(--ground)"} | {c: f"var(--series-{n})" for n, c in enumerate(SERIES, start=1)}
"""CSS values that take the place of the placeholders."""
LETTERS = 30
"""Most letters of a name in a chart."""
WIDTH, HEIGHT = 340, 250
"""CSS pixels: the width of a phone, so that letters need not shrink there."""
LEGEND_ROW = 18
"""Height of a row of the legend in CSS pixels."""
STYLE: dict[str, Any] = {
    "figure.dpi": 72,  # a point is a CSS pixel
    "svg.fonttype": "none",  # letters stay letters: small, and in the page's font
    "text.parse_math": False,  # a dollar in a class name begins no formula
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.facecolor": "none",
    "font.size": 12,
    "axes.labelsize": 12,
    "axes.titlesize": 12,
    "legend.fontsize": 12,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.alpha": 0.15,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}


@contextmanager
def chart_style() -> Iterator[None]:
    """Set the page's style: a decorator of functions that draw, or a ``with`` block."""
    style: Any = STYLE | {"font.family": fonts()}  # matplotlib types every name of a setting
    with rc_context(style):
        yield


def empty_chart(x: str, y: str, height: int = HEIGHT) -> tuple[Figure, Axes]:
    """Make an empty chart with the names of its axes; the height is in CSS pixels."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=x, ylabel=y)
    return figure, axes


def line_style(number: int, marker: bool = False) -> dict[str, Any]:
    """Give the n-th line a colour, dashes and, if wanted, a marker: it stands out in grey too."""
    style: dict[str, Any] = {"color": SERIES[number % len(SERIES)], "linestyle": LINES[number % len(LINES)]}
    if marker:
        style |= {"marker": MARKERS[number % len(MARKERS)], "markeredgecolor": GROUND, "markeredgewidth": 0.6}
    return style


def shortened(name: str) -> str:
    """Leave out the middle of a long name, so that the chart has room."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS // 2 - 1]}…{name[-LETTERS // 2 :]}"


def legend_below(axes: Axes) -> None:
    """Name the lines below the chart, by which the figure grows: the axes keep their height."""
    figure: Any = axes.figure
    figure.legend(loc="outside lower left", ncols=1, handlelength=2.6)
    figure.set_figheight(figure.get_figheight() + LEGEND_ROW / 72 * len(axes.get_legend_handles_labels()[0]))


def chart_markup(figure: Figure, alt: str, caption: str = "") -> Markup:
    """Turn a figure, within ``chart_style``, into SVG that repeats to the byte.

    ``alt`` describes it in words, for those who do not see it; the caption stands below.
    """
    width, height = (round(72 * inches) for inches in figure.get_size_inches())
    return render(
        "elements.html", "chart", drawing=Markup(_svg_content(figure)), alt=alt, caption=caption, width=width, height=height
    )


def _svg_content(figure: Figure) -> str:
    """Matplotlib's drawing without the outer ``svg`` element, in the page's fonts and colours."""
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
    content = drawn[drawn.index(">") + 1 : drawn.rindex("</svg>")]
    return re.sub(r"\n\s*", "\n", _unique_ids(content)).strip()


def _unique_ids(drawn: str) -> str:
    """Drop unused ids, and prefix the others with a hash of the chart: charts share a page."""
    drawn = drawn.replace("xlink:href", "href")
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", drawn)
    own = hashlib.sha256(drawn.encode()).hexdigest()[:8]
    return re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{own}-", drawn)
