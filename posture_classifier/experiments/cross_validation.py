"""Cross-validation: one training per fold, a report on all predictions, and a final network."""

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from rich.table import Table

from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.experiments.engines.choice import add_engine, check_engine, check_one_device
from posture_classifier.experiments.engines.engine import LOG
from posture_classifier.experiments.fold_predictions import join_folds, summarize_folds
from posture_classifier.experiments.series_with_final import SeriesWithFinal, describe_accuracy, split_size
from posture_classifier.experiments.split_comparison import explain_gap
from posture_classifier.experiments.training_series import (
    end_series,
    fit_options,
    has_ended,
    make_series_folder,
    other_photos,
    parse_settings,
    resume_or_begin,
    to_yaml,
    with_recommended,
)
from posture_classifier.metrics.intervals import estimate_mean, wilson_interval
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.rendering.formatting import describe_estimate
from posture_classifier.report.finished_folds import read_finished_folds
from posture_classifier.report.page import NAME, RECALL, write_folds_report
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.runs.reading import read_summary
from posture_classifier.runs.status import status_line
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import busy, say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.text import first_line, plural

COMMAND = "crossval"
RANDOM = "random"
"""Folder of the folds that photos are put into at random."""
SHOWN_GROUPS = 5


class _CrossValidationCLI(PostureCLI):
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        super().add_arguments_to_parser(parser)
        words = "Repeat it with folds at random, each photo for itself, and say how far they flatter."
        parser.add_argument("--compare_splits", type=bool, nargs="?", const=True, default=False, help=words)
        words = "After the folds, train one more network on all photos; its checkpoint holds the folds' figures."
        parser.add_argument("--final", type=bool, nargs="?", const=True, default=False, help=words)
        add_engine(parser)


@dataclass(frozen=True)
class CrossValidation(SeriesWithFinal):
    """One training per fold, and with ``compare_splits`` another per fold of photos at random.

    With ``final`` a last one is trained on all photos.
    """

    @classmethod
    def prepare(cls, options: list[str], repeat: bool = True) -> "CrossValidation":
        """Resume the newest folder if the same was stopped there, or else make one with all splits.

        Args:
            options: Words of the command line after the command.
            repeat: Whether the same is trained anew if it has ended; otherwise that is done only if
                photos came or went.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, plain = parse_settings(_CrossValidationCLI, COMMAND, with_recommended(options))
        _check(settings)
        compare_splits = plain.pop("compare_splits")
        del plain["engine"]  # it changes nothing of what is trained
        del plain["final"]  # it adds to the same folds, even to those that have ended
        plain["report"] = True  # nor does a page change them; earlier versions wrote its default
        kinds = ["groups", RANDOM] if compare_splits else ["groups"]
        text = f"# folds of: {', '.join(kinds)}\n{to_yaml(plain)}"
        is_complete = (_has_final if settings.final else has_ended) if repeat else other_photos(settings, "splits/fold_0.csv")
        folder, lock = resume_or_begin(
            experiment_folder(settings),
            COMMAND,
            SETTINGS_YAML,
            text,
            lambda: make_series_folder(settings, COMMAND, _splits(settings, compare_splits)),
            is_complete,
        )
        trainings: dict[str, list[str]] = {}
        for parent in ["", f"{RANDOM}/"] if compare_splits else [""]:
            for fold in range(settings.data.folds):
                name, split = f"{parent}fold_{fold}", f"{parent}splits/fold_{fold}.csv"
                # One page is about all folds.
                own = ["--report", "false", *(["--data.group_by", "none"] if parent else [])]
                trainings[name] = fit_options(settings, folder, name, [SETTINGS_YAML], split) + own
        return cls(folder, settings, trainings, lock)

    def train_folds(self) -> None:
        """Train every fold that is not finished, and print a line for each."""
        size = split_size(self.folder / "splits" / "fold_0.csv")
        say(f"{plural(self.settings.data.folds, 'fold')} of {size}; what each training prints is in {self.folder}/*/{LOG}")

        def title(name: str) -> str:
            fold = int(name.rpartition("_")[2]) + 1
            return f"fold {fold} of {self.settings.data.folds}{', at random' if '/' in name else ''}"

        def tell(name: str) -> None:
            if run := self.finished_run(name):
                say(f"{title(name)}: {describe_accuracy(read_summary(run))}, {self.duration(name)}")

        with at_stop(self.how_to_go_on):
            self.fit(self.trainings, title, tell)

    def report(self, aloud: bool = True) -> None:
        """Write the predictions, the final network if it is wanted, the page and the summary.

        The summary is the last, since it marks the end: until then the same command goes on.

        Args:
            aloud: Whether to print what was measured, where all of it is and what to do next.
        """
        table, summary = self._pool(aloud)
        final = None
        if self.settings.final:
            runs = [Path(run) for run in summary["runs"]]
            final, summary["final"] = self.train_final(table, summary, runs, "splits/fold_0.csv", "cross-validation")
        page = self._write_page(summary) if self.settings.report else None
        end_series(self.folder, summary)
        if aloud:
            self._say_what_is_next(final, page)

    def _write_page(self, summary: dict[str, Any]) -> Path | None:
        """Write ``report.html``; a fault in it ends nothing, since all results are written."""
        path = self.folder / NAME
        try:
            with busy("Writing the page"):
                write_folds_report(read_finished_folds(self.folder, summary), path, RECALL)
        except Exception as error:
            command = f"python -m posture_classifier report {quote(str(self.folder))}"
            say(f"no {NAME} was written ({first_line(error)}); the cross-validation is complete: {command}")
            return None
        return path

    def _say_what_is_next(self, final: Path | None, page: Path | None) -> None:
        say(f"cross-validation folder: {self.folder}")
        if final:
            say(f"final checkpoint: {final}")
        if page:
            say(f"report: {page}")
        if final:
            say(f"next: python -m posture_classifier predict {quote(str(final))} new_photos/")
        else:
            random = " --compare_splits" if self.settings.compare_splits else ""
            command = f"python -m posture_classifier crossval --config {quote(str(self.folder / SETTINGS_YAML))}{random} --final"
            say(f"next, a network that is trained on all photos: {command}")

    def _pool(self, aloud: bool) -> tuple[PredictionTable, dict[str, Any]]:
        """Write ``predictions.csv`` of all folds; return, and print, what was measured on them."""
        data = self.settings.data
        grouped, summary = self._write_predictions("", self.folder / PREDICTIONS_CSV)
        summary = {"root": data.root, "folds": data.folds, "seed": data.seed} | summary
        if aloud:
            said = [status_line(summary["status"]), hardest_groups(summary["accuracy_of_groups"] or [])]
            say(_table(summary, "all folds"), *filter(None, said))
        if self.settings.compare_splits:
            random, summary["random"] = self._write_predictions(f"{RANDOM}/", self.folder / "predictions_random.csv")
            difference = random.correct.astype(float) - grouped.correct
            gap = vars(estimate_mean(difference, grouped.groups, data.seed))
            summary |= {"gap": gap, "meaning": explain_gap(gap, summary["groups"])}
            say(_table(summary["random"], "all folds, at random"), summary["meaning"])
        return grouped, summary

    def _write_predictions(self, parent: str, path: Path) -> tuple[PredictionTable, dict[str, Any]]:
        """Join the folds below a folder; write, return and summarize their predictions."""
        names = [f"{parent}fold_{fold}" for fold in range(self.settings.data.folds)]
        runs = [run for name in names if (run := self.finished_run(name))]
        if len(runs) < len(names):
            raise UserError(f"the folds in {self.folder} do not test every photo; leave trainer.limit_test_batches out")
        table = join_folds(runs)
        table.write(path)
        return table, summarize_folds(table, runs, self.settings.data.seed)


def _has_final(folder: Path) -> bool:
    """Whether a cross-validation has ended with a final network."""
    return "final" in read_summary(folder)


def _check(settings: Namespace) -> None:
    if settings.data.folds is None:
        raise UserError("crossval needs data.folds, the number of folds; 5 is usual")
    if settings.data.fold is not None:
        raise UserError(f"crossval trains all folds; leave data.fold {settings.data.fold} out")
    if settings.final and settings.trainer.enable_checkpointing is False:
        raise UserError("--final is for a checkpoint of all photos; leave trainer.enable_checkpointing false out")
    check_one_device("crossval trains each fold", settings.trainer)
    check_engine(settings.engine, settings.trainer)


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
