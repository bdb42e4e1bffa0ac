"""What was trained on what, how it learnt, and what ``check`` says of the photos."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from posture_classifier.check.digest_check import check_digests
from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.data.string_array import StringArray
from posture_classifier.rendering.page import Html, Section, bullets, facts, paragraph, strong
from posture_classifier.rendering.svg_charts import chart_row
from posture_classifier.report.charts import learning_chart
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.utils.text import describe_size, shortlist

SPLITS = {"train": "training", "val": "validation", "test": "test"}


def facts_section(run: FinishedRun) -> Section:
    """Photos, network, hardware, time."""
    summary, versions = run.summary, run.summary["versions"]
    sizes = {SPLITS[name]: part for name, part in summary["splits"].items() if part["images"]}
    seconds = sum(phase["seconds"] for phase in summary["phases"])
    pairs = [
        ("photos", f"{run.root}: {', '.join(f'{describe_size(part)} for {name}' for name, part in sizes.items())}"),
        ("classes", shortlist(run.classes, 20)),
        ("network", f"{summary['backbone']}, {summary['parameters'] / 1e6:.1f} million parameters"),
        ("weights at the start", str(summary["weights"])),
        ("training", _phases(summary["phases"])),
        ("time", _duration(round(seconds))),
        ("hardware", f"{summary.get('hardware', summary['device'])}, precision {summary['precision']}"),
        ("seed", str(summary["seed"])),
        ("versions", ", ".join(f"{name} {versions[name]}" for name in ("posture-classifier", "torch", "timm") if name in versions)),
    ]
    if not summary["phases"]:
        pairs = [pair for pair in pairs if pair[0] not in ("training", "time")]
    return Section("What was trained on what", facts(pairs))


def _duration(seconds: int) -> str:
    """``2 h 5 min``, or ``1 min 59 s``."""
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"


def _phases(phases: list[dict[str, Any]]) -> str:
    """``epoch 0: the head; epochs 1 to 6: 7 stages``."""
    said = []
    for phase in phases:
        first, last, n_open = phase["first_epoch"], phase["last_epoch"], phase["stages_open"]
        when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
        said.append(f"{when}: {'the head' if n_open == 1 else f'{n_open} stages'}")
    return "; ".join(said)


def learning_section(run: FinishedRun) -> Section:
    """Loss and accuracy by epoch."""
    title = "How it learnt"
    if not run.epochs:
        return Section(title, paragraph("This run has no metrics.csv: it tested a network and trained none."))
    best = run.content.get("epoch")
    charts = [
        learning_chart(run.epochs, {"train/loss": "training", "val/loss": "validation"}, "cross-entropy", best),
        learning_chart(run.epochs, {"val/accuracy": "accuracy", "val/f1": "macro-F1"}, "validation photos", best),
    ]
    dotted = (
        f" The dotted line is epoch {best}, the one with the lowest validation loss, which all figures here are of."
        if best is not None
        else ""
    )
    said = f"The darker the ground, the more stages of the network learn; the words above say how many.{dotted}"
    return Section(title, chart_row(charts) + paragraph(said, "muted"))


def check_section(run: FinishedRun) -> Section:
    """What is known of the photos' faults."""
    found = next((path for path in (run.folder / "check.json", run.root / "check.json") if path.is_file()), None)
    said = _told(found) if found is not None else None
    if said is None:
        looked_for = "Damaged files, copies that are not identical, shortcuts and probable label errors"
        command = f"python -m posture_classifier check {run.root} --output RUN --overwrite true"
        then = "with RUN the folder of this run, a report written after it says what it found"
        said = _quick(run) + paragraph(f"{looked_for} are what {command} looks for; {then}.")
    return Section("What check found", said)


def _told(found: Path) -> Html | None:
    """What a ``check.json`` says, unless it is another program's or damaged."""
    try:
        content = json.loads(found.read_text(encoding="utf-8"))
        findings = [strong(f"{f['severity']}: {f['kind'].replace('_', ' ')}") + f". {f['text']}" for f in content["findings"]]
        return paragraph(f"{found} says: {content['verdict']}") + bullets(findings)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _quick(run: FinishedRun) -> Html:
    """Identical files, from the digests in the checkpoint: the photos need not be there."""
    kept = run.content.get(PostureData.__qualname__, {})
    rows = {split: run.of(split) for split in SPLITS}
    if any(len(kept.get(split, ())) != len(rows[split]) for split in SPLITS):
        return paragraph("Identical files were not looked for: the checkpoint is not there.")
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
    found, _ = check_digests(photos, np.concatenate([kept[split].numpy() for split in SPLITS]))
    return paragraph(strong(f"Of {len(photos)} photos: {found}."))
