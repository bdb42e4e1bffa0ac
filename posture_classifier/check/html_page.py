"""``check.html``: the findings with the photos that matter, in one file that asks for no other."""

import re
from pathlib import Path

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import verdict
from posture_classifier.rendering.page import (
    Html,
    Section,
    bullets,
    joined,
    paragraph,
    photo,
    photos,
    strong,
    text,
    thumbnail,
    together,
    write_page,
)

SIDE = 160
"""Pixels of a thumbnail: three in a row on a phone, and some 5 KB each."""
CLUSTERS = 24
"""Shown of each finding; the others are in ``check.json``."""
PER_CLUSTER = 6


def write_check(result: Result, path: Path) -> None:
    """Write the page."""
    level = ("note", "warning", "error")[exit_code(result.findings)]
    lead = paragraph(strong(verdict(result)), level) + bullets(map(_entry, result.findings))
    sections = [
        Section(f"{f.severity}: {_name(f)}", paragraph(_text(f.text)) + _photos(result.photos.root, f), f.severity, f.kind)
        for f in result.findings
    ]
    write_page(path, f"Check of {result.photos.root}", lead, sections)


def _entry(finding: Finding) -> Html:
    link = f'<a class="{finding.severity}" href="#{finding.kind}">{finding.severity}: {_name(finding)}</a>'
    first, _, _ = finding.text.partition(". ")  # the rest is below
    return Html(f"{link}: {_text(first.removesuffix('.'))}")


def _text(sentence: str) -> Html:
    """Options are not torn apart after their dashes."""
    return Html(re.sub(r"--\w+", lambda option: together(option[0]), text(sentence)))


def _name(finding: Finding) -> str:
    return finding.kind.replace("_", " ")


def _photos(root: Path, finding: Finding) -> Html:
    captions = finding.captions or [""] * len(finding.photos)
    clusters = list(zip(finding.photos, captions, strict=True))[:CLUSTERS]
    if all(len(cluster) == 1 for cluster, _ in clusters):
        body = photos(_photo(root, cluster[0], caption) for cluster, caption in clusters) if clusters else Html()
    else:
        body = photos(_cluster(root, cluster, caption) for cluster, caption in clusters)
    hidden = len(finding.photos) - len(clusters)
    return body + paragraph(f"and {hidden} more in check.json") if hidden > 0 else body


def _cluster(root: Path, cluster: list[str], caption: str) -> Html:
    label = Html(f'<div class="caption">{text(caption)}</div>') if caption else Html()
    more = paragraph(f"and {len(cluster) - PER_CLUSTER} more") if len(cluster) > PER_CLUSTER else Html()
    pictures = joined(_photo(root, path, "") for path in cluster[:PER_CLUSTER])
    return Html(f'<div class="photos cluster">{label}{pictures}{more}</div>')


def _photo(root: Path, path: str, caption: str) -> Html:
    name = Html(text(path).replace("/", "/<wbr>"))
    label = Html(f"{name}<br>{text(caption)}") if caption else name
    return photo(thumbnail(root / path, SIDE), path, label)
