"""The sections of a cross-validation's page that a single run's has not."""

from shlex import quote

import numpy as np
from markupsafe import Markup

from posture_classifier.metrics.intervals import estimate_share
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.formatting import estimate_cell
from posture_classifier.rendering.page import Section
from posture_classifier.report.finished_folds import FinishedFolds
from posture_classifier.report.finished_run import FinishedRun
from posture_classifier.report.provenance_section import describe_duration
from posture_classifier.runs.names import LAST_CHECKPOINT, SETTINGS_YAML
from posture_classifier.utils.text import describe_size, plural, shortlist


def folds_section(folds: FinishedFolds) -> Section:
    """Show what each fold was trained on, and how good its network is."""
    table = folds.evaluated
    assert table.folds is not None
    numbers = table.fold_numbers
    accuracies = [float(table.correct[table.folds == fold].mean()) for fold in numbers]
    summary = f"Mean of the folds {np.mean(accuracies):.3f}, from {min(accuracies):.3f} to {max(accuracies):.3f}."
    rows = [_fold_row(folds, fold) for fold in numbers]
    body = render("folds.html", "folds", summary=summary, rows=rows, meaning=folds.meaning, final=_final(folds))
    return Section("The folds", body)


def _fold_row(folds: FinishedFolds, fold: int) -> list[str]:
    """Number, tested photos, accuracy, photos trained on, best epoch and seconds of a fold."""
    table, run = folds.evaluated, folds.runs.get(fold)
    assert table.folds is not None
    tested = table.folds == fold
    groups = len(np.unique(table.groups[tested])) if table.grouped else None
    accuracy = estimate_share(table.correct[tested], table.groups[tested], folds.summary["seed"])
    size = describe_size({"images": int(tested.sum()), "groups": groups})
    row = [str(fold + 1), size, estimate_cell(accuracy)]
    if run is None:
        return [*row, "", "", ""]
    epoch = run.checkpoint_content.get("epoch")
    best = "" if epoch is None else f"{epoch + 1} of {len(run.epochs)}"
    return [*row, describe_size(run.summary["splits"]["train"]), best, describe_duration(_seconds(run))]


def _seconds(run: FinishedRun) -> float:
    return sum(float(row["seconds"]) for row in run.epochs)


def _final(folds: FinishedFolds) -> Markup:
    """What network to use from now on, with the command that uses it, or that makes it."""
    program = "python -m posture_classifier"
    if folds.final is None:
        command = f"{program} crossval --config {quote(str(folds.folder / SETTINGS_YAML))} --final"
        return render("folds.html", "no_final", command=command)
    run, epochs = folds.final
    command = f"{program} predict {quote(str(run / 'checkpoints' / LAST_CHECKPOINT))} new_photos/"
    return render("folds.html", "final", epochs=plural(epochs, "epoch"), size=describe_size(folds.summary), command=command)


def origin_section(folds: FinishedFolds) -> Section:
    """List photos, procedure, network, hardware, time and versions."""
    pairs = [
        ("photos", f"{folds.root}: {describe_size(folds.summary)}"),
        ("classes", shortlist(folds.classes, 20)),
        ("procedure", f"{plural(folds.n_folds, 'fold')}, each tested by a network that was trained on the others"),
        ("network", str(folds.summary["backbone"])),
    ]
    if folds.runs:
        run = folds.runs[min(folds.runs)]
        summary, versions = run.summary, run.summary["versions"]
        programs = [name for name in ("posture-classifier", "torch", "timm") if name in versions]
        pairs[-1] = ("network", f"{summary['backbone']}, {summary['parameters'] / 1e6:.1f} million parameters")
        pairs += [
            ("weights at the start", str(summary["weights"])),
            ("time", f"{describe_duration(sum(map(_seconds, folds.runs.values())))} of training"),
            ("hardware", f"{summary.get('hardware', summary['device'])}, precision {summary['precision']}"),
            ("versions", ", ".join(f"{name} {versions[name]}" for name in programs)),
        ]
    pairs.append(("seed", str(folds.summary["seed"])))
    return Section("What was trained on what", render("elements.html", "facts", pairs=pairs))
