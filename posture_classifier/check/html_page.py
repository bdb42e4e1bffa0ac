"""``check.html``: the findings with the photos that matter, on one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import verdict
from posture_classifier.data.folder import Photos
from posture_classifier.data.split import count_classes, groups_per_class
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.photo_source import photo_file
from posture_classifier.rendering.elements import photo, render, thumbnail
from posture_classifier.rendering.page import Section, next_step, write_page
from posture_classifier.rendering.translation import Translator
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Ints

SIDE = 400
"""Most pixels along the side of a photo, which can be enlarged."""
PAGE_BYTES = 4_000_000
"""Bytes that all photos of a page may have together."""
LEAST_BYTES, MOST_BYTES = 5_000, 40_000
"""Bytes of a photo: below the first it would show nothing, above the second nobody sees more."""
CLUSTERS = 24
"""Clusters shown of each finding; the others are in ``check.json``."""
PER_CLUSTER = 6
"""Photos shown of each cluster."""
MOST_CLASSES = 12
"""Classes of which photos are shown."""
MOST_COLUMNS = 6
"""Classes up to which a table has a row for each group and a column for each class."""
PER_CLASS = 8
"""Photos shown of each class, of as many groups as there are."""
SHOWN_GROUPS, MOST_GROUPS = 8, 200
"""Groups in the table, the largest first, and in what is folded below it."""


@dataclass(frozen=True)
class PagePhotos:
    """Makes the figures of a page; so many photos as ``number`` share its bytes."""

    root: Path
    white: WhiteLevels
    number: int

    def figure(self, path: str, caption: str) -> Markup:
        """Make the figure of a photo, with its path and a caption."""
        # In base64 three bytes take four.
        most = 3 / 4 * PAGE_BYTES / max(1, self.number)
        image = thumbnail(photo_file(self.root, path), SIDE, self.white)
        words = render("check.html", "photo_caption", path=path, caption=caption)
        return photo(image, path, words, most=int(min(max(most, LEAST_BYTES), MOST_BYTES)))


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
    sheets = {} if readable is None else contact_sheet(readable)
    photos = PagePhotos(result.photos.root, result.white, shown + sum(map(len, sheets.values())))
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


def count_shown(clusters: Sequence[Sequence[str]]) -> int:
    """How many photos are shown of a finding."""
    return sum(min(len(cluster), PER_CLUSTER) for cluster in clusters[:CLUSTERS])


def overview_section(photos: Photos, page_photos: PagePhotos) -> Section:
    """Count the readable photos of each class and group, and show some of them."""
    sheets = [
        (photos.classes[label], [page_photos.figure(str(photos.paths[row]), "") for row in rows])
        for label, rows in contact_sheet(photos).items()
    ]
    groups, folded_groups, alone = _group_rows(photos)
    body = render(
        "check.html",
        "overview",
        classes=_class_rows(photos),
        head=["group", *photos.classes, "photos"],
        groups=groups,
        folded_groups=folded_groups,
        folded_title=plural(len(folded_groups), "more group"),
        alone=alone,
        sheets=sheets,
        hidden_classes=max(0, len(np.unique(photos.labels)) - MOST_CLASSES),
    )
    return Section("What is in the folder", body, anchor="overview")


def contact_sheet(photos: Photos) -> dict[int, Ints]:
    """Choose photos of each class, by label: of every group one, then of every group another.

    Where there are no groups they are spread over all names, since those next to each other may be
    of one recording.
    """
    sheets = {}
    for label in np.unique(photos.labels)[:MOST_CLASSES].tolist():
        rows = np.flatnonzero(photos.labels == label)
        if not photos.grouped:
            sheets[label] = rows[np.unique(np.linspace(0, len(rows) - 1, PER_CLASS).round().astype(int))]
            continue
        groups = np.asarray(photos.groups)[rows]
        order = np.argsort(groups, kind="stable")
        first = np.searchsorted(groups[order], groups[order])
        turn = np.arange(len(rows)) - first  # the how-many-eth of its group each photo is
        sheets[label] = rows[order[np.argsort(turn, kind="stable")]][:PER_CLASS]
    return sheets


def _class_rows(photos: Photos) -> list[list[str]]:
    counts = np.bincount(photos.labels, minlength=len(photos.classes)).tolist()
    groups = groups_per_class(photos) if photos.grouped else [""] * len(counts)
    rows = zip(photos.classes, counts, groups, strict=True)
    return [[name, str(n), f"{n / len(photos):.0%}", str(n_groups)] for name, n, n_groups in rows]


def _group_rows(photos: Photos) -> tuple[list[list[str]], list[list[str]], str]:
    """Rows of the largest groups and of others, and a sentence on groups of one class."""
    if not photos.grouped or len(photos.classes) > MOST_COLUMNS:
        return [], [], ""
    names, codes = np.unique(photos.groups, return_inverse=True)
    counts = count_classes(codes, photos.labels, (len(names), len(photos.classes)))
    largest = np.argsort(-counts.sum(1), kind="stable")[:MOST_GROUPS]
    rows = [[str(names[group]), *map(str, counts[group].tolist()), str(counts[group].sum())] for group in largest]
    return rows[:SHOWN_GROUPS], rows[SHOWN_GROUPS:], _alone(counts)


def _alone(counts: npt.NDArray[np.int64]) -> str:
    n_alone = int(((counts > 0).sum(1) == 1).sum())
    if not n_alone or counts.shape[1] < 2:
        return ""
    return (
        f"{n_alone} of {plural(len(counts), 'group')} {'has' if n_alone == 1 else 'have'} photos of one class only: there a "
        "network can learn the group in place of the class."
    )
