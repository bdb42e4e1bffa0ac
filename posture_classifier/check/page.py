"""``check.html``: the findings with the photos that matter, in one file that asks for no other."""

import base64
from html import escape
from io import BytesIO
from pathlib import Path

from PIL import Image

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.folder import Result
from posture_classifier.check.report import shown, verdict
from posture_classifier.data.decode import DecodeError, decode

SIDE = 160
"""Pixels of a thumbnail: three in a row on a phone, and some 5 KB each."""
CLUSTERS = 24
"""Shown of each finding; the others are in ``check.json``."""
PER_CLUSTER = 6
STYLE = """
:root { color-scheme: light dark; --line: #8884; --error: #c62828; --warning: #a15c00; --note: #557; }
@media (prefers-color-scheme: dark) { :root { --error: #ff8a80; --warning: #ffc26b; --note: #aab4cc; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1rem; }
body { background: Canvas; color: CanvasText; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin: 0; }
section { border-top: 1px solid var(--line); padding: 1rem 0; }
.error { color: var(--error); } .warning { color: var(--warning); } .note { color: var(--note); }
.cluster { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; padding: .5rem; }
.cluster { border: 1px solid var(--line); border-radius: .5rem; }
.photos { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
figure { margin: 0; width: 7rem; break-inside: avoid; } img { width: 100%; height: auto; border-radius: .25rem; display: block; }
figcaption, .caption { font-size: .75rem; overflow-wrap: anywhere; } .caption { flex-basis: 100%; } p { margin: .25rem 0; }
.lost { height: 5rem; border: 1px dashed var(--line); display: grid; place-items: center; font-size: .75rem; }
@media print { :root { color-scheme: light; } body { max-width: none; } section, .cluster { break-inside: avoid-page; } }
"""


def write_page(result: Result, path: Path) -> None:
    """Write the page; it has no script, and nothing in it is fetched from elsewhere."""
    title = f"Check of {shown(str(result.photos.root))}"
    level = ("note", "warning", "error")[exit_code(result.findings)]
    contents = "".join(_entry(finding) for finding in result.findings)
    sections = "".join(_section(result.photos.root, finding) for finding in result.findings)
    path.write_text(
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{_text(title)}</h1>\n"
        f'<p class="{level}"><strong>{_text(verdict(result))}</strong></p>\n<ul>{contents}</ul>\n{sections}</body>\n</html>\n',
        encoding="utf-8",
    )


def _entry(finding: Finding) -> str:
    link = f'<a class="{finding.severity}" href="#{finding.kind}">{_name(finding)}</a>'
    return f'<li class="{finding.severity}">{finding.severity}: {link}: {_text(finding.text)}</li>'


def _name(finding: Finding) -> str:
    return finding.kind.replace("_", " ")


def _text(text: str) -> str:
    return escape(shown(text))


def _section(root: Path, finding: Finding) -> str:
    captions = finding.captions or [""] * len(finding.photos)
    clusters = list(zip(finding.photos, captions, strict=True))[:CLUSTERS]
    if all(len(cluster) == 1 for cluster, _ in clusters):
        pictures = "".join(_figure(root, cluster[0], caption) for cluster, caption in clusters)
        body = f'<div class="photos">{pictures}</div>' if pictures else ""
    else:
        body = "".join(_cluster(root, cluster, caption) for cluster, caption in clusters)
    hidden = len(finding.photos) - len(clusters)
    more = f"<p>and {hidden} more in check.json</p>" if hidden > 0 else ""
    heading = f'<h2 class="{finding.severity}">{finding.severity}: {_name(finding)}</h2>'
    return f'<section id="{finding.kind}">{heading}<p>{_text(finding.text)}</p>{body}{more}</section>\n'


def _cluster(root: Path, cluster: list[str], caption: str) -> str:
    pictures = "".join(_figure(root, path, "") for path in cluster[:PER_CLUSTER])
    more = f"<p>and {len(cluster) - PER_CLUSTER} more</p>" if len(cluster) > PER_CLUSTER else ""
    label = f'<div class="caption">{_text(caption)}</div>' if caption else ""
    return f'<div class="cluster">{label}{pictures}{more}</div>'


def _figure(root: Path, path: str, caption: str) -> str:
    label = f"{_text(path)}<br>{_text(caption)}" if caption else _text(path)
    picture = _thumbnail(root / path)
    shown_as = f'<img src="{picture}" alt="{_text(path)}">' if picture else '<div class="lost">no picture</div>'
    return f"<figure>{shown_as}<figcaption>{label}</figcaption></figure>"


def _thumbnail(path: Path) -> str | None:
    """A small JPEG as a data URI, without any EXIF; None where there is no picture."""
    try:
        image = decode(path, SIDE)
    except DecodeError:
        return None
    image.thumbnail((SIDE, SIDE), Image.Resampling.BICUBIC)
    buffer = BytesIO()
    # A new image: a thumbnail must not carry the photo's position or profile.
    Image.frombytes("RGB", image.size, image.tobytes()).save(buffer, "JPEG", quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
