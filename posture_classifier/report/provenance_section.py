"""What was trained on what, how it learnt, and what ``check`` says of the photos."""

from typing import Any

import numpy as np

from posture_classifier.check.digest_check import check_digests
from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.data.near_copies import describe_near_copies
from posture_classifier.data.string_array import StringArray
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.learning_curves import LOSSES, SCORES, learning_chart
from posture_classifier.rendering.page import Section
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.report.known_check import KnownCheck
from posture_classifier.utils.text import describe_size, plural, shortlist

SPLITS = {"train": "training", "val": "validation", "test": "test"}


def provenance_section(run: FinishedRun) -> Section:
    """List photos, network, hardware, time and versions."""
    summary, versions = run.summary, run.summary["versions"]
    sizes = [f"{describe_size(part)} for {SPLITS[name]}" for name, part in summary["splits"].items() if part["images"]]
    pairs = [
        ("photos", f"{run.root}: {', '.join(sizes)}"),
        ("classes", shortlist(run.classes, 20)),
        ("network", f"{summary['backbone']}, {summary['parameters'] / 1e6:.1f} million parameters"),
        ("weights at the start", str(summary["weights"])),
    ]
    if summary.get("average_mirrored"):
        pairs.append(("mirror images", "each answer is the mean over a photo and its mirror image"))
    if refitted := describe_refit(summary):
        pairs.append(("refit", refitted))
    if phases := summary["phases"]:
        seconds = sum(phase["seconds"] for phase in phases)
        pairs += [("training", "; ".join(map(_describe_phase, phases))), ("time", describe_duration(seconds))]
    programs = [name for name in ("posture-classifier", "torch", "timm") if name in versions]
    pairs += [
        ("hardware", f"{summary.get('hardware', summary['device'])}, precision {summary['precision']}"),
        ("seed", str(summary["seed"])),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in programs)),
    ]
    return Section("What was trained on what", render("elements.html", "facts", pairs=pairs))


def describe_duration(seconds: float) -> str:
    """Write a time: ``2 h 5 min``, ``1 min 59 s`` or ``7 s``."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _describe_phase(phase: dict[str, Any]) -> str:
    """Say what was trained when: ``epoch 0: the head``, or ``epochs 1 to 6: 7 stages``."""
    first, last, n_stages = phase["first_epoch"], phase["last_epoch"], phase["stages_open"]
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    return f"{when}: {'the head' if n_stages == 1 else f'{n_stages} stages'}"


def learning_section(run: FinishedRun) -> Section:
    """Show losses and validation scores by epoch."""
    title = "How it learnt"
    if not run.epochs:
        return Section(title, render("report.html", "no_learning"))
    best = run.checkpoint_content.get("epoch")
    charts = [
        learning_chart(run.epochs, LOSSES, "cross-entropy", best),
        learning_chart(run.epochs, SCORES, "validation photos", best),
    ]
    return Section(title, render("report.html", "learning", charts=charts, best=best))


def check_section(run: FinishedRun | None, check: KnownCheck | None) -> Section:
    """Tell the known faults of the photos: those that ``check`` found, or identical files."""
    title = "What check found"
    if check is not None:
        return Section(title, render("report.html", "findings", path=check.path, verdict=check.verdict, findings=check.findings))
    return Section(title, render("report.html", "not_checked", identical_files=run and _identical_files(run)))


def _identical_files(run: FinishedRun) -> str | None:
    """Look for identical files by the digests in the checkpoint; None if that is gone."""
    digests = run.checkpoint_content.get(PostureData.__qualname__, {})
    rows = {split: run.split(split) for split in SPLITS}
    if any(len(digests.get(split, ())) != len(rows[split]) for split in SPLITS):
        return None
    ordered = [row for split in SPLITS for row in rows[split]]
    groups = StringArray([row["group"] for row in ordered])
    photos = Photos(
        root=run.root,
        classes=tuple(run.classes),
        paths=StringArray([row["path"] for row in ordered]),
        labels=np.array([run.classes.index(row["label"]) for row in ordered], dtype=np.int64),
        groups=groups,
        splits=np.array([row["split"] for row in ordered]),
        grouped=len(groups.unique()[0]) < len(groups),
        rows=np.arange(len(ordered)),
    )
    near_copies = {run.summary["split"]: run.near_copies} if run.near_copies else {}
    found, _ = check_digests(
        photos, np.concatenate([digests[split].numpy() for split in SPLITS]), describe_near_copies(near_copies)
    )
    return f"Of {plural(len(photos), 'photo')}: {found}."


def describe_refit(summary: dict[str, Any]) -> str | None:
    """Say what a network was refitted on; None where it was not.

    Example:
        >>> describe_refit({"refit": {"epochs": 7}})
        'Refitted on training and validation photos for 7 epochs; these, temperature and thresholds
        were chosen by the validation photos before, when the network had not seen them.'
    """
    if not (refit := summary.get("refit")):
        return None
    return (
        f"Refitted on training and validation photos for {plural(refit['epochs'], 'epoch')}; these, temperature and thresholds "
        "were chosen by the validation photos before, when the network had not seen them."
    )
