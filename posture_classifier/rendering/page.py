"""One self-contained HTML page, for ``check``, ``compare`` and ``report``: no script, no request, nothing beside it.

Every function gives ``Html``, and takes plain strings, which it escapes, or ``Html``, which it leaves as it is::

    section = Section("Result", paragraph("93 of 100 photos.") + table(["class", "right"], [["left", "0.93"]]))
    write_page(Path("report.html"), "Report", paragraph("What was found."), [section])

Figures drawn with matplotlib come from ``charts.picture``.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from posture_classifier.images.decode import DecodeError, decode
from posture_classifier.utils.text import printable

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""What a browser may load: pictures within the page, and its one style sheet."""
UPRIGHT = 30
"""Letters of the names above a square table that fit side by side on a phone; more are turned."""
LIGHT = """--ground: #fff; --ink: #1c2127; --muted: #59636e; --error: #b3261e; --warning: #8a5200; --note: #4d5a75;
--series-1: #0072b2; --series-2: #d55e00; --series-3: #008060; --series-4: #b0578d; --series-5: #a87400; --series-6: #2f8fc4;"""
"""Okabe and Ito's colours (2008), the pale ones darkened to a contrast of 3 with the ground."""
DARK = """--ground: #14171b; --ink: #e4e7eb; --muted: #9aa4af; --error: #ff8a80; --warning: #ffc26b; --note: #aab4cc;
--series-1: #4fa8e0; --series-2: #f08040; --series-3: #2fbf93; --series-4: #d98bb8; --series-5: #e6a400; --series-6: #7cc7f0;"""
STYLE = (
    f"""
:root {{ color-scheme: light dark; {LIGHT} --line: #8885; --faint: #8882; }}
@media screen and (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
"""
    + """
* { box-sizing: border-box; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
html { -webkit-text-size-adjust: 100%; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.25rem 1rem 3rem; }
body { background: var(--ground); color: var(--ink); }
h1, h2, h3 { line-height: 1.25; overflow-wrap: anywhere; text-wrap: balance; }
h1 { font-size: 1.7rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 0 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul { margin: .4rem 0; max-width: 46rem; overflow-wrap: anywhere; } ul { padding-left: 1.25rem; }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em; }
section { border-top: 1px solid var(--line); padding: 1.25rem 0; margin-top: 1rem; }
.lead { font-size: 1.15rem; } .muted, figcaption, caption { color: var(--muted); }
.error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }
figcaption, .caption, caption { font-size: .8rem; line-height: 1.4; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; } .photos { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1rem; margin: .75rem 0; }
.charts .chart { max-width: 30rem; } .charts svg { width: 100%; }
figure { margin: 0; break-inside: avoid; } .chart { max-width: 100%; } .chart figcaption { max-width: 22rem; }
svg { display: block; height: auto; overflow: visible; }
svg * { stroke-linejoin: round; } svg text { font-family: system-ui, sans-serif; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; margin: .5rem 0; }
caption { text-align: left; padding-bottom: .25rem; }
caption span { position: sticky; left: 0; display: inline-block; max-width: min(46rem, calc(100vw - 2rem)); }
th, td { padding: .3rem .75rem .3rem 0; border-bottom: 1px solid var(--faint); text-align: left; vertical-align: top; }
thead th { border-bottom-color: var(--line); font-weight: 600; vertical-align: bottom; } tbody th { font-weight: inherit; }
.number { text-align: right; } .number, .together { white-space: nowrap; } tbody th { min-width: 5.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: .75rem 0; font-size: .95rem; }
dt { color: var(--muted); } dd { margin: 0; overflow-wrap: anywhere; }
.photos figure { width: 7rem; } .photos.large figure { width: auto; }
.photos.large { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(14rem, 46%), 1fr)); gap: .75rem; }
.photos img { width: 100%; height: auto; border-radius: .25rem; display: block; }
.big { font-size: 2.4rem; font-weight: 650; line-height: 1.15; letter-spacing: -.02em; }
.matrix td { background: color-mix(in srgb, var(--series-1) calc(55% * var(--share)), transparent); }
.matrix td, .matrix th { padding: .4rem .6rem; border: 1px solid var(--ground); text-align: center; }
.matrix tbody th { text-align: right; min-width: 0; }
.matrix.many thead th { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; }
.bar { display: inline-block; width: 6rem; height: .6rem; border-radius: .3rem; background: var(--faint); }
.bar i { display: block; height: 100%; border-radius: .3rem; background: var(--series-1); width: calc(100% * var(--share)); }
.lost { height: 5rem; border: 1px dashed var(--line); display: grid; place-items: center; font-size: .75rem; }
.photos .cluster { border: 1px solid var(--line); border-radius: .5rem; padding: .5rem; margin: 0; }
.caption { flex-basis: 100%; contain: inline-size; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .4rem; }
.number { white-space: normal; } .bar { width: 3rem; } th, td { padding-right: .5rem; } }
@media print { :root { color-scheme: light; } body { max-width: none; padding: 0; font-size: 10pt; } svg { max-width: 100%; } }
@media print { h2, h3 { break-after: avoid; } tr, .cluster { break-inside: avoid; } nav { display: none; }
.number { white-space: normal; } table { font-size: .85em; } .charts { break-before: avoid; }
.scroll { overflow: visible; } th, td { overflow-wrap: anywhere; } tbody th { min-width: 0; } }
"""
)


class Html(str):
    """Text that is HTML already; ``+`` joins two pieces."""

    __slots__ = ()

    def __add__(self, other: str) -> "Html":
        return Html(super().__add__(text(other)))


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: Its heading.
        body: What follows.
        level: ``error``, ``warning`` or ``note`` colours the heading.
        anchor: What links name it by; by default it follows from the title.
    """

    title: str
    body: Html
    level: str = ""
    anchor: str = ""

    @property
    def id(self) -> str:
        """The anchor."""
        return self.anchor or re.sub(r"\W+", "-", self.title.lower()).strip("-")


def write_page(path: Path, title: str, lead: Html, sections: Iterable[Section]) -> None:
    """Write the page: the title, the lead below it, and the sections, each under a line."""
    parts = (f'<section id="{s.id}">{_tag("h2", s.title, s.level)}{s.body}</section>\n' for s in sections)
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # A browser would otherwise ask the server, if there is one, for a picture of that name.
        '<link rel="icon" href="data:,">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{_tag('h1', title)}\n{lead}\n{''.join(parts)}</body>\n</html>\n",
        encoding="utf-8",
    )


def text(value: str) -> Html:
    """A string, escaped unless it is HTML already."""
    return value if isinstance(value, Html) else Html(escape(printable(value)))


def joined(parts: Iterable[str], separator: str = "") -> Html:
    """Pieces of HTML in a row."""
    return Html(separator.join(map(text, parts)))


def _tag(name: str, content: str, kind: str = "") -> Html:
    return Html(f'<{name} class="{kind}">{text(content)}</{name}>' if kind else f"<{name}>{text(content)}</{name}>")


def paragraph(content: str, kind: str = "") -> Html:
    """A paragraph; ``kind`` may be ``lead``, ``muted``, ``error``, ``warning`` or ``note``."""
    return _tag("p", content, kind)


def strong(content: str) -> Html:
    """What should be seen first."""
    return _tag("strong", content)


def together(content: str) -> Html:
    """Words that stay in one line."""
    return Html(f'<span class="together">{text(content)}</span>')


def heading(content: str) -> Html:
    """A heading within a section."""
    return _tag("h3", content)


def bullets(items: Iterable[str]) -> Html:
    """A list."""
    return _tag("ul", joined(_tag("li", item) for item in items))


def contents(sections: Iterable[Section]) -> Html:
    """Links to the sections, in one line."""
    links = (Html(f'<a href="#{section.id}">{text(section.title)}</a>') for section in sections)
    return _tag("nav", joined(links, " &middot; "), "muted")


def facts(pairs: Iterable[tuple[str, str]]) -> Html:
    """Names and what they are, one below the other."""
    return _tag("dl", joined(_tag("dt", name) + _tag("dd", value) for name, value in pairs))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> Html:
    """A table that scrolls sideways where the screen is narrow; the first cell of a row is its name.

    Columns of figures, by the first character of every cell, are aligned on the right.
    """
    kinds = ["number" if all(_is_figure(row[column]) for row in rows) else "" for column in range(len(head))]
    title = _tag("caption", _tag("span", caption)) if caption else Html()  # the span stays where the table scrolls
    first = joined(_cell("th", "col", *cell) for cell in zip(head, kinds, strict=True))
    body = joined(
        _tag("tr", _cell("th", "row", row[0], kinds[0]) + joined(map(_tag, ["td"] * len(row), row[1:], kinds[1:]))) for row in rows
    )
    return Html(f'<div class="scroll"><table>{title}<thead><tr>{first}</tr></thead><tbody>{body}</tbody></table></div>')


def matrix(counts: npt.NDArray[np.int64], names: Sequence[str], down: str, across: str) -> Html:
    """A square table of counts (C, C); the darker a cell, the larger its share of the row.

    Args:
        counts: Of the row's name and the column's.
        names: C of them.
        down: What the rows are.
        across: What the columns are.
    """
    key = paragraph(f"Rows: {down}. Columns: {across}. The darker, the larger the share of the row.", "muted")
    cells = [[str(count) for count in row] for row in counts.tolist()]
    return key + shaded(cells, counts / counts.sum(1, keepdims=True).clip(1), names)


def shaded(cells: Sequence[Sequence[str]], shares: npt.NDArray[np.float64], names: Sequence[str]) -> Html:
    """A square table (C, C) whose cells are the darker, the larger their ``shares``, from 0 to 1."""
    head = joined(_cell("th", "col", name, "") for name in names)
    rows = []
    for name, row, row_shares in zip(names, cells, shares.tolist(), strict=True):
        inside = (Html(f'<td style="--share: {share:.2f}">{text(cell)}</td>') for cell, share in zip(row, row_shares, strict=True))
        rows.append(_tag("tr", _cell("th", "row", name, "") + joined(inside)))
    kind = "matrix many" if len(names) > 4 or sum(map(len, names)) > UPRIGHT else "matrix"
    return Html(
        f'<div class="scroll"><table class="{kind}"><thead><tr><td style="--share: 0"></td>{head}</tr></thead>'
        f"<tbody>{joined(rows)}</tbody></table></div>"
    )


def bar(share: float) -> Html:
    """A bar beside a figure from 0 to 1."""
    return Html(f'<span class="bar" aria-hidden="true"><i style="--share: {share:.3f}"></i></span>')


def _cell(name: str, scope: str, content: str, kind: str) -> Html:
    number = f' class="{kind}"' if kind else ""
    return Html(f'<{name} scope="{scope}"{number}>{text(content)}</{name}>')


def _is_figure(cell: str) -> bool:
    text = re.sub("<[a-z/][^>]*>", "", cell)
    return not text or text[0] in "0123456789-+<\N{MINUS SIGN}"


def photos(figures: Iterable[Html], large: bool = False) -> Html:
    """Photos side by side, as many in a row as there is room for."""
    return Html(f'<div class="photos{" large" if large else ""}">{joined(figures)}</div>')


def photo(image: Image.Image | None, alt: str, caption: str) -> Html:
    """A picture with its caption; None says that there is none.

    It is encoded anew, so that neither position nor camera of a photo goes with the page.
    """
    if image is None:
        return _tag("figure", Html('<div class="lost">no picture</div>') + _tag("figcaption", caption))
    buffer = BytesIO()
    Image.frombytes("RGB", image.size, image.convert("RGB").tobytes()).save(buffer, "JPEG", quality=75)
    data = base64.b64encode(buffer.getvalue()).decode()
    return _tag("figure", Html(f'<img src="data:image/jpeg;base64,{data}" alt="{text(alt)}">') + _tag("figcaption", caption))


def thumbnail(path: Path, side: int) -> Image.Image | None:
    """A photo of at most ``side`` pixels a side, RGB and upright; None where it cannot be read."""
    try:
        image = decode(path, side)
    except DecodeError:
        return None
    image.thumbnail((side, side), Image.Resampling.BICUBIC)
    return image
