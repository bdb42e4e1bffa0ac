"""What ``audit`` prints, and the folder that it writes, with its page."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from markupsafe import Markup
from rich.table import Table
from rich.text import Text

from posture_classifier.audit.result import SHOWN_GROUPS, Audit
from posture_classifier.rendering.elements import photo, render, thumbnail
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.rendering.formatting import percent, percent_estimate
from posture_classifier.rendering.page import Section, write_page
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.report.page import RECALL
from posture_classifier.report.photos_section import photos_section
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.result_section import groups_section, result_section
from posture_classifier.runs.names import CONFIG_YAML, PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.utils.console import say
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.text import plural, printable

PAGE = "audit.html"
SIDE = 400
"""Most pixels along the side of a picture, which can be enlarged."""
SHOWN_PAIRS = 12
"""Pairs of a tested and a training photo that are shown, the gravest first."""


def print_audit(audit: Audit) -> None:
    """Print the metrics, the hardest groups, and what must be said beside them."""
    say(estimates_table(audit.summary(), audit.predictions.file.name))
    if audit.size["groups"]:
        say(_groups_table(audit))
    say(*audit.sentences())


def _groups_table(audit: Audit) -> Table:
    groups = audit.predictions.table.worst_groups()
    table = Table("group", "right", title=f"the hardest of {plural(len(groups), 'group')}")
    for name, right, n_photos in groups[:SHOWN_GROUPS]:
        table.add_row(Text(printable(name)), f"{right} of {n_photos}")
    return table


def write_folder(audit: Audit, folder: Path) -> None:
    """Write the page and ``summary.json`` and, of probabilities, a run that ``compare`` reads.

    The folder is made if it is not there.
    """
    folder.mkdir(exist_ok=True)
    write_audit(audit, folder / PAGE)
    _write_text(folder / SUMMARY_JSON, json.dumps(audit.summary(), indent=2, ensure_ascii=False))
    say(f"audit: {folder / PAGE}")
    if audit.predictions.table.predictions.known != "probabilities":
        say("compare cannot read it: that takes the probabilities of all classes.")
        return
    audit.predictions.table.write(folder / "test" / PREDICTIONS_CSV)
    settings: dict[str, Any] = {
        "model": {"backbone": audit.predictions.file.stem},
        "data": {"root": str(audit.predictions.photos.root)},
        "seed_everything": audit.seed,
    }
    _write_text(folder / CONFIG_YAML, yaml.safe_dump(settings, allow_unicode=True))


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(f"{text.rstrip()}\n", encoding="utf-8", errors="surrogateescape")


def write_audit(audit: Audit, path: Path) -> None:
    """Write the page of an audit."""
    run, known = _as_run(audit, path.parent), audit.predictions.table.predictions.known
    sections = [result_section(run), groups_section(run), _leaks_section(audit), photos_section(run)]
    if known == "probabilities":
        sections.append(thresholds_section(run, None, RECALL, None))
    if known != "label":
        sections.append(calibration_section(run, None))
    sections.append(_reading_section(audit))
    write_page(path, f"Audit of {audit.predictions.file.name}", _lead(audit, sections), sections)


def _as_run(audit: Audit, folder: Path) -> Evaluated:
    """The predictions as the sections of a page take them, of a network that is not at hand."""
    photos = audit.predictions.photos
    summary = {"split": "test", **audit.size, "classes": audit.predictions.table.classes, "seed": audit.seed}
    return Evaluated(folder, summary, {"data": {"root": str(photos.root)}}, audit.predictions.table)


def _lead(audit: Audit, sections: list[Section]) -> Markup:
    table = audit.predictions.table
    right, accuracy = int(table.correct.sum()), audit.measured["accuracy"]
    expected = percent_estimate(accuracy)
    return render(
        "report.html",
        "lead",
        network=f"predictions in {audit.predictions.file}, of any program",
        share_right=percent(right / len(table)),
        result=f"{right} of {plural(len(table), 'photo')}: {expected}.",
        caveat=" ".join([*audit.status.values(), *audit.about_groups(), *audit.about_leaks()]),
        sections=sections,
    )


def _leaks_section(audit: Audit) -> Section:
    """Say which photos were trained on, and show some beside what they are like in training."""
    pairs = audit.leaks.pairs[:SHOWN_PAIRS] if audit.leaks else []
    root = audit.predictions.photos.root
    figures = [_pair(root, tested, Path(trained)) for tested, trained in pairs]
    body = render("audit.html", "leaks", sentences=audit.about_leaks(), figures=figures)
    return Section("Was it trained on these photos?", body, "error" if audit.leaks and audit.leaks.leaked.any() else "")


def _pair(root: Path, tested: str, trained: Path) -> Markup:
    photos = [
        photo(thumbnail(root / tested, SIDE), tested, render("check.html", "photo_caption", path=tested, caption="tested")),
        photo(
            thumbnail(trained, SIDE), str(trained), render("check.html", "photo_caption", path=str(trained), caption="trained on")
        ),
    ]
    return render("check.html", "cluster", photos=photos, caption="", hidden=0)


def _reading_section(audit: Audit) -> Section:
    """Say what was read, and how."""
    read = audit.predictions
    counts = np.bincount(read.table.predictions.labels, minlength=len(read.table.classes))
    classes = ", ".join(f"{name} ({count})" for name, count in zip(read.table.classes, counts.tolist(), strict=True))
    pairs = [("predictions", str(read.file)), ("photos", str(read.photos.root)), ("classes", classes), ("seed", str(audit.seed))]
    facts = render("elements.html", "facts", pairs=pairs)
    return Section("What was read", facts + render("elements.html", "bullets", items=audit.about_the_table()))
