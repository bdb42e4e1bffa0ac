"""``check.html``: the findings with the photos that matter, on one page."""

from pathlib import Path

from markupsafe import Markup

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.overview import count_sheet, overview_section
from posture_classifier.check.page_photos import CLUSTERS, PER_CLUSTER, PagePhotos, count_shown
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import verdict
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.page import Section, next_step, write_page
from posture_classifier.rendering.translation import Translator


def write_check(result: Result, path: Path, language: str | None = None) -> None:
    """Write the page of a check; without a language in that of the locale, or in English."""
    translator = Translator(language, result.names)
    level = ("note", "warning", "error")[exit_code(result.findings)]
    lead = render(
        "check.html",
        "lead",
        level=level,
        headline=result.headline,
        verdict=verdict(result),
        findings=result.findings,
        translate=translator.text,
    )
    readable = result.readable
    shown = sum(count_shown([*finding.photos, *finding.examples.values()]) for finding in result.findings)
    photos = PagePhotos(result.photos.root, result.white, shown + (count_sheet(readable) if readable is not None else 0))
    sections = [overview_section(readable, photos)] if readable is not None and len(readable) else []
    sections += [_section(photos, finding, translator) for finding in result.findings]
    if result.headline.command:
        sections.append(next_step("Train as the photos allow, and learn how far to trust the result:", result.headline.command))
    write_page(path, f"Check of {result.photos.source}", lead, sections, translator)


def _section(page_photos: PagePhotos, finding: Finding, translator: Translator) -> Section:
    captions = finding.captions or [""] * len(finding.photos)
    clusters = list(zip(finding.photos, captions, strict=True))[:CLUSTERS]
    if all(len(paths) == 1 for paths, _ in clusters):
        figures = [page_photos.figure(paths[0], caption) for paths, caption in clusters]
    else:
        figures = [_cluster(page_photos, paths, caption) for paths, caption in clusters]
    figures += [_cluster(page_photos, paths, caption) for caption, paths in finding.examples.items()]
    hidden = len(finding.photos) - len(clusters)
    body = render("check.html", "finding", text=translator.text(finding.text), figures=figures, hidden=hidden)
    title = render("check.html", "finding_title", finding=finding)
    return Section(title, body, finding.severity, finding.kind)


def _cluster(page_photos: PagePhotos, paths: list[str], caption: str) -> Markup:
    photos = [page_photos.figure(path, "") for path in paths[:PER_CLUSTER]]
    return render("check.html", "cluster", photos=photos, caption=caption, hidden=len(paths) - len(photos))
