"""What a training on the fixed photos is: its command, its folder, and whether it helped."""

from collections.abc import Sequence
from dataclasses import asdict
from math import inf
from pathlib import Path
from typing import Any

from posture_classifier.app.review.source import Source
from posture_classifier.callbacks.schedule import openings, with_solved_head
from posture_classifier.compare.after_fixes import PairedAccuracy, compare_after_fixes
from posture_classifier.rendering.translation import Translator
from posture_classifier.runs.folder import VERSION, numbered
from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, SETTINGS_YAML, SPLIT_CSV, SUMMARY_JSON
from posture_classifier.runs.reading import TestedRun, read_settings, read_summary, read_tested_run
from posture_classifier.runs.tables import read_curves
from posture_classifier.training.fit_options import LOGS
from posture_classifier.utils.errors import UserError

CROSSVAL = "crossval"


def retraining_words(source: Source) -> list[str]:
    """The command that trains again as the run did, on the fixed photos and with the same split.

    A cross-validation divides them anew, since it takes no split; it tests every photo anyway.

    Args:
        source: A run or a cross-validation; for photos alone the command is an ordinary ``fit``.
    """
    fixes = ["--data.fixes", str(source.fixes)]
    if source.run is None:
        return ["fit", "--data.root", str(source.root), *fixes]
    place = _place(source.run, source.settings)
    if source.is_crossval:
        return [CROSSVAL, "--config", str(source.run / SETTINGS_YAML), *fixes, *place]
    data = source.data
    chosen = [f"data.{name}" for name in ("folds", "fold", "holdout_groups") if data.get(name) is not None]
    chosen += ["ckpt_path"] if source.settings.get("ckpt_path") is not None else []
    nothing = [word for name in chosen for word in (f"--{name}", "null")]
    split = ["--data.split", str(source.run / SPLIT_CSV)]
    return ["fit", "--config", str(source.run / CONFIG_YAML), *split, *fixes, *nothing, *place]


def _place(run: Path, settings: dict[str, Any]) -> list[str]:
    """Options that put the new run beside the old one, where the settings would not."""
    experiment = run.resolve().parent
    logs = next((folder for folder in experiment.parents if folder.name == LOGS), None)
    if logs is None:
        return []
    data = settings["data"]
    photos = Path(data["table"]).stem if data.get("table") else Path(data["root"]).resolve().name
    name = settings.get("experiment") or photos
    root = settings.get("trainer", {}).get("default_root_dir")
    if (Path(root or ".") / LOGS / name).resolve() == experiment:
        return []
    return ["--trainer.default_root_dir", str(logs.parent), "--experiment", experiment.relative_to(logs).as_posix()]


def later_runs(source: Source) -> list[Path]:
    """The runs beside the reviewed one that came after it and took the same fixes, oldest first."""
    if source.run is None:
        return []
    run = source.run.resolve()
    series = numbered(run.parent, CROSSVAL if source.is_crossval else VERSION)
    after = series[series.index(run) + 1 :] if run in series else []
    return [folder for folder in after if _took(folder, source)]


def _took(run: Path, source: Source) -> bool:
    file = run / (SETTINGS_YAML if source.is_crossval else CONFIG_YAML)
    try:
        fixes = read_settings(file)["data"].get("fixes")
    except (OSError, UserError):  # it has only begun
        return False
    return fixes is not None and Path(fixes).resolve() == source.fixes.resolve()


def progress(run: Path, source: Source) -> dict[str, Any]:
    """How far a training is: epochs or folds that ended, of how many, and each epoch's accuracy."""
    if source.is_crossval:
        folds = source.data["folds"]
        return {"unit": "folds", "done": len(list(run.glob(f"fold_*/*/{SUMMARY_JSON}"))), "of": folds, "epochs": []}
    rows = read_curves(run / METRICS_CSV)
    epochs = [{"epoch": int(float(row["epoch"])) + 1, "accuracy": _number(row.get("val/accuracy", ""))} for row in rows]
    return {"unit": "epochs", "done": len(epochs), "of": _most_epochs(source.settings), "epochs": epochs}


def _most_epochs(settings: dict[str, Any]) -> int | None:
    """Epochs of a training, at most: one, where its head is solved and no other stage opens."""
    most: int | None = settings["trainer"].get("max_epochs")
    if settings["model"].get("head_solver") != "lbfgs":
        return most
    options = settings.get("unfreezing") or {}
    stages = {int(epoch): count for epoch, count in (options.get("open_stages") or {}).items()}
    opens = with_solved_head(openings(2, options.get("every_n_epochs"), stages))[0]
    return 1 if opens == inf or (most and 0 < most <= opens) else most


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def answer(source: Source, later: Sequence[Path], translator: Translator) -> dict[str, Any] | None:
    """Whether the newest training on the fixed photos helped, as plain values.

    Returns:
        The run, and what ``AfterFixes`` says or, as ``problem``, why nothing can be said; None
        while there is no tested one.
    """
    for run in reversed(later):
        try:
            new = read_tested_run(run)
        except UserError:  # it was stopped, or is not at its end
            continue
        return {"run": str(run)} | _compare(source, new, translator)
    return None


def _compare(source: Source, new: TestedRun, translator: Translator) -> dict[str, Any]:
    assert source.run is not None
    try:
        found = compare_after_fixes(read_tested_run(source.run).tested, new.tested)
    except UserError as error:
        return {"problem": translator.text(str(error))}
    return {
        "untouched": None if found.untouched is None else _plain(found.untouched),
        "all": _plain(found.all),
        "relabelled": found.relabelled,
        "removed": found.removed,
        "other_versions": read_summary(source.run).get("versions") != read_summary(Path(new.name)).get("versions"),
    }


def _plain(part: PairedAccuracy) -> dict[str, Any]:
    return asdict(part) | {"verdict": part.verdict}
