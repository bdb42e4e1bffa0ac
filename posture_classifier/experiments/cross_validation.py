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
from posture_classifier.metrics.intervals import estimate_mean, wilson_interval
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.rendering.formatting import describe_estimate
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.runs.status import status_line
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural

COMMAND = "crossval"
RANDOM = "random"
"""Folder of the folds that photos are put into at random."""
SHOWN_GROUPS = 5
NO_LEAK = 5.0
"""Points of accuracy that folds at random may flatter by, at most, if no leak is said to show."""


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
        if summary["status"]:
            say(status_line(summary["status"]))
        if hardest := hardest_groups(summary["accuracy_of_groups"] or []):
            say(hardest)
        if self.settings.compare_splits:
            random, summary["random"] = self._write_predictions(f"{RANDOM}/", self.folder / "predictions_random.csv")
            difference = random.correct.astype(float) - grouped.correct
            gap = vars(estimate_mean(difference, grouped.groups, data.seed))
            summary |= {"gap": gap, "meaning": explain_gap(gap, summary["groups"])}
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
    folds = PostureData(**settings.data).choice.every_fold()
    splits = {f"splits/fold_{number}.csv": photos for number, photos in enumerate(folds)}
    if compare_splits:
        if not folds[0].grouped:
            raise UserError(
                "--compare_splits needs groups to compare with; give data.group_pattern, or data.group_by cluster or exif"
            )
        folds = PostureData(**{**settings.data, "group_by": "none"}).choice.every_fold()
        splits |= {f"{RANDOM}/splits/fold_{number}.csv": photos for number, photos in enumerate(folds)}
    return splits


def explain_gap(gap: dict[str, Any], n_groups: int) -> str:
    """Explain how much more accurate folds at random are than folds of groups.

    Args:
        gap: The difference in accuracy as ``value``, with the ends of its interval, ``low`` and
            ``high``; they are None where the groups are too few for an interval.
        n_groups: Number of groups.

    Example:
        >>> explain_gap({"value": 0.349, "low": -0.061, "high": 0.759}, 8)
        '8 groups cannot settle whether folds at random flatter: they score +34.9 points of accuracy
        (95 % interval -6.1 to +75.9) beside folds of groups, so up to 76 points may be flattery;
        report folds of groups.'
    """
    measured = f"{100 * gap['value']:+.1f} points of accuracy"
    undecided = f"{plural(n_groups, 'group')} cannot settle whether folds at random flatter: they score"
    if gap["low"] is None:
        return f"{undecided} {measured} beside folds of groups, and any part of it may be flattery; report folds of groups."
    low, high = 100 * gap["low"], 100 * gap["high"]
    measured += f" (95 % interval {low:+.1f} to {high:+.1f})"
    if low > 0:
        return (
            f"Folds at random flatter by {measured}: so much of their score is photos that resemble training photos of the same "
            "group, and will not come with new groups."
        )
    if high < 0:
        return f"Folds at random do not flatter here: they score {measured} beside folds of groups, which are the ones to report."
    if high > NO_LEAK:
        return (
            f"{undecided} {measured} beside folds of groups, so up to {min(high, 100):.0f} points may be flattery; report folds of "
            "groups."
        )
    return f"No leak shows here: folds at random score {measured} beside folds of groups, which are the ones to report."


def _table(summary: dict[str, Any], title: str) -> Table:
    table = estimates_table(summary, title)
    mean, folds = summary["accuracy_of_folds"]["mean"], summary["accuracy_of_folds"]["folds"]
    table.add_row("accuracy, mean of folds", f"{mean:.3f}", f"range {min(folds):.3f} to {max(folds):.3f}")
    return table


def hardest_groups(groups: list[dict[str, Any]]) -> str:
    """Name the groups with the lowest accuracy, with the interval of further photos of the same.

    Args:
        groups: Those of ``summary.json``, the hardest first; one without a mistake is not hard.

    Example:
        >>> hardest_groups([{"group": "anna", "images": 10, "accuracy": 0.4}])
        'hardest groups (accuracy): anna 0.400 (0.168 to 0.687) on 10 photos; all are in ...'
    """
    hard = [group for group in groups[:SHOWN_GROUPS] if group["accuracy"] < 1]
    intervals = [describe_estimate(wilson_interval(group["accuracy"], group["images"])) for group in hard]
    shown = [
        f"{group['group']} {interval} on {plural(group['images'], 'photo')}"
        for group, interval in zip(hard, intervals, strict=True)
    ]
    return f"hardest groups (accuracy): {', '.join(shown)}; all are in {SUMMARY_JSON}" if shown else ""
