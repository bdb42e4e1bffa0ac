"""Cross-validation: one training per fold, and a report on the predictions of all folds."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from rich.table import Table

from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.experiments.fold_predictions import join_folds, summarize_folds
from posture_classifier.experiments.training_series import (
    TrainingSeries,
    check_starts,
    find_stopped,
    fit_options,
    make_series_folder,
    parse_settings,
    to_yaml,
)
from posture_classifier.metrics.intervals import estimate_mean
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.training.messages import estimates_table
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

COMMAND = "crossval"
RANDOM = "random"
"""Folder of the folds that photos are put into at random."""
SHOWN_GROUPS = 5


class _CrossValidationCLI(PostureCLI):
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        super().add_arguments_to_parser(parser)
        words = "Repeat it with folds at random, each photo for itself, and say how far they flatter."
        parser.add_argument("--compare_splits", type=bool, nargs="?", const=True, default=False, help=words)


@dataclass(frozen=True)
class CrossValidation(TrainingSeries):
    """One training per fold, and with ``compare_splits`` another per fold of photos at random."""

    @classmethod
    def prepare(cls, options: list[str]) -> "CrossValidation":
        """Resume the newest folder if the same was stopped there, or else make one with all splits.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, plain = parse_settings(_CrossValidationCLI, COMMAND, options)
        _check(settings)
        compare_splits = plain.pop("compare_splits")
        kinds = ["groups", RANDOM] if compare_splits else ["groups"]
        text = f"# folds of: {', '.join(kinds)}\n{to_yaml(plain)}"
        experiment = experiment_folder(settings)
        stopped = find_stopped(experiment, COMMAND, SETTINGS_YAML, text)
        if stopped is None:
            splits = _splits(settings, compare_splits)
            check_starts([settings.model.weights], splits.values())
            stopped = make_series_folder(experiment, COMMAND, splits)
            # The last of its files: a folder without it is not resumed.
            (stopped[0] / SETTINGS_YAML).write_text(text, encoding="utf-8")
        folder, lock = stopped
        trainings: dict[str, list[str]] = {}
        for parent in ["", f"{RANDOM}/"] if compare_splits else [""]:
            for fold in range(settings.data.folds):
                name, split = f"{parent}fold_{fold}", f"{parent}splits/fold_{fold}.csv"
                # Left to the command report: it may take longer than the training of a fold.
                own = ["--report", "false", *(["--data.group_by", "none"] if parent else [])]
                trainings[name] = fit_options(settings, folder, name, [SETTINGS_YAML], split) + own
        return cls(folder, settings, trainings, lock)

    def report(self) -> None:
        """Write ``predictions.csv`` and ``summary.json``, and print what they hold."""
        data = self.settings.data
        grouped, summary = self._write_predictions("", self.folder / PREDICTIONS_CSV)
        summary = {"root": data.root, "folds": data.folds, "seed": data.seed} | summary
        say(_table(summary, "all folds"))
        if summary["accuracy_of_groups"]:
            say(_hardest_groups(summary["accuracy_of_groups"]))
        if self.settings.compare_splits:
            random, summary["random"] = self._write_predictions(f"{RANDOM}/", self.folder / "predictions_random.csv")
            difference = random.correct.astype(float) - grouped.correct
            gap = vars(estimate_mean(difference, grouped.groups, data.seed))
            summary |= {"gap": gap, "meaning": explain_gap(gap)}
            say(_table(summary["random"], "all folds, at random"), summary["meaning"])
        self.finish(summary)
        say(f"cross-validation folder: {self.folder}")

    def _write_predictions(self, parent: str, path: Path) -> tuple[PredictionTable, dict[str, Any]]:
        """Join the folds below a folder; write, return and summarize their predictions."""
        names = [f"{parent}fold_{fold}" for fold in range(self.settings.data.folds)]
        runs = [run for name in names if (run := self.finished_run(name))]
        if len(runs) < len(names):
            raise UserError(f"the folds in {self.folder} do not test every photo; leave trainer.limit_test_batches out")
        table = join_folds(runs)
        table.write(path)
        return table, summarize_folds(table, runs, self.settings.data.seed)


def _check(settings: Namespace) -> None:
    if settings.data.folds is None:
        raise UserError("crossval needs data.folds, the number of folds; 5 is usual")
    if settings.data.fold is not None:
        raise UserError(f"crossval trains all folds; leave data.fold {settings.data.fold} out")
    trainer = settings.trainer
    if trainer.strategy != "auto" or trainer.num_nodes != 1 or str(trainer.devices) not in ("auto", "1", "-1"):
        # Several processes would each begin the whole command anew.
        raise UserError("crossval trains one fold after the other on one device; leave trainer.strategy, devices and num_nodes out")


def _splits(settings: Namespace, compare_splits: bool) -> dict[str, Photos]:
    """The photos, divided for each fold, by the file that they are written to.

    Grouping may mean looking at every photo, so it is done once, and the trainings read files.
    """
    folds = PostureData(**settings.data).every_fold()
    splits = {f"splits/fold_{number}.csv": photos for number, photos in enumerate(folds)}
    if compare_splits:
        if not folds[0].grouped:
            raise UserError(
                "--compare_splits needs groups to compare with; give data.group_pattern, or data.group_by cluster or exif"
            )
        folds = PostureData(**{**settings.data, "group_by": "none"}).every_fold()
        splits |= {f"{RANDOM}/splits/fold_{number}.csv": photos for number, photos in enumerate(folds)}
    return splits


def explain_gap(gap: dict[str, Any]) -> str:
    """Explain how much more accurate folds at random are than folds of groups."""
    if gap["low"] is None:
        points = f"{100 * gap['value']:+.1f} points of accuracy"
        return f"Folds at random score {points} beside folds of groups; {gap['too_few']} cannot tell whether that is chance."
    low, high = 100 * gap["low"], 100 * gap["high"]
    measured = f"{100 * gap['value']:+.1f} points of accuracy (95 % interval {low:+.1f} to {high:+.1f})"
    if low > 0:
        return (
            f"Folds at random flatter by {measured}: so much of their score is photos that resemble training photos of the same "
            "group, and will not come with new groups."
        )
    if high < 0:
        return f"Folds at random do not flatter here: they score {measured} beside folds of groups, which are the ones to report."
    return (
        f"The random folds' {measured} are within chance: no leak shows here, which does not prove that there is none; "
        "report folds of groups."
    )


def _table(summary: dict[str, Any], title: str) -> Table:
    table = estimates_table(summary, title)
    mean, folds = summary["accuracy_of_folds"]["mean"], summary["accuracy_of_folds"]["folds"]
    table.add_row("accuracy, mean of folds", f"{mean:.3f}", f"range {min(folds):.3f} to {max(folds):.3f}")
    return table


def _hardest_groups(groups: list[dict[str, Any]]) -> str:
    """``hardest groups: anna 0.400 of 10, ...``."""
    shown = ", ".join(f"{group['group']} {group['accuracy']:.3f} of {group['images']}" for group in groups[:SHOWN_GROUPS])
    return f"hardest groups (accuracy, photos): {shown}; all are in {SUMMARY_JSON}"
