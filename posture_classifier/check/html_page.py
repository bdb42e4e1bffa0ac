"""``check.html``: the findings with the photos that matter, on one page."""

from pathlib import Path

from markupsafe import Markup

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import verdict
from posture_classifier.rendering.elements import photo, render, thumbnail
from posture_classifier.rendering.page import Section, write_page

SIDE = 160
"""Most pixels along the side of a thumbnail: three in a row on a phone, and some 5 KB each."""
CLUSTERS = 24
"""Clusters shown of each finding; the others are in ``check.json``."""
PER_CLUSTER = 6
"""Photos shown of each cluster."""


def write_check(result: Result, path: Path) -> None:
    """Write the page of a check."""
    level = ("note", "warning", "error")[exit_code(result.findings)]
    lead = render("check.html", "lead", level=level, headline=result.headline, verdict=verdict(result), findings=result.findings)
    write_page(path, f"Check of {result.photos.root}", lead, [_section(result, f) for f in result.findings])


def _section(result: Result, finding: Finding) -> Section:
    captions = finding.captions or [""] * len(finding.photos)
    clusters = list(zip(finding.photos, captions, strict=True))[:CLUSTERS]
    if all(len(paths) == 1 for paths, _ in clusters):
        figures = [_photo(result, paths[0], caption) for paths, caption in clusters]
    else:
        figures = [_cluster(result, paths, caption) for paths, caption in clusters]
    hidden = len(finding.photos) - len(clusters)
    body = render("check.html", "finding", text=finding.text, figures=figures, hidden=hidden)
    title = render("check.html", "finding_title", finding=finding)
    return Section(title, body, finding.severity, finding.kind)


def _cluster(result: Result, paths: list[str], caption: str) -> Markup:
    photos = [_photo(result, path, "") for path in paths[:PER_CLUSTER]]
    return render("check.html", "cluster", photos=photos, caption=caption, hidden=len(paths) - len(photos))


def _photo(result: Result, path: str, caption: str) -> Markup:
    image = thumbnail(result.photos.root / path, SIDE, result.white)
    return photo(image, path, render("check.html", "photo_caption", path=path, caption=caption))
