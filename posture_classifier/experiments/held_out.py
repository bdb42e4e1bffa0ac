"""One training that is tested on people kept apart, and a final network on everybody."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from filelock import BaseFileLock

from posture_classifier.data.module import PostureData
from posture_classifier.experiments.engines.engine import LOG
from posture_classifier.experiments.series_with_final import SeriesWithFinal, describe_accuracy, split_size
from posture_classifier.experiments.training_series import (
    end_series,
    fit_options,
    has_ended,
    make_series_folder,
    other_photos,
    parse_settings,
    resume_or_begin,
    to_yaml,
)
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_summary
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop

TESTED = "tested"
"""Folder of the runs that are tested."""
SPLIT = "splits/tested.csv"


@dataclass(frozen=True)
class HeldOut(SeriesWithFinal):
    """A training of a part of the people, tested on the others, and a final one on all."""

    command: ClassVar[str] = "held_out"
    """Beginning of the folders' names."""
    title: ClassVar[str] = "tested network"
    needed: ClassVar[tuple[str, ...]] = ("test",)
    """Splits that must have photos."""

    @classmethod
    def prepare(cls, options: list[str], repeat: bool = False) -> Self:
        """Take up the newest folder if it is of the same settings and photos, or else make one.

        Args:
            options: Options of ``fit``.
            repeat: Whether the same is trained anew if it has ended; otherwise that is done only if
                photos came or went.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, plain = parse_settings(PostureCLI, cls.command, options)
        is_complete = has_ended if repeat else other_photos(settings, SPLIT)

        def begin() -> tuple[Path, BaseFileLock]:
            photos = PostureData(**settings.data).choice.photos
            if lacking := [name for name in cls.needed if name not in photos.splits]:
                raise UserError(f"{cls.command} needs {lacking[0]} photos; set data.{lacking[0]}_fraction above 0, or leave it out")
            return make_series_folder(settings, cls.command, {SPLIT: photos})

        experiment, text = experiment_folder(settings), to_yaml(plain)
        folder, lock = resume_or_begin(experiment, cls.command, SETTINGS_YAML, text, begin, is_complete)
        return cls(folder, settings, {TESTED: fit_options(settings, folder, TESTED, [SETTINGS_YAML], SPLIT)}, lock)

    def run(self) -> dict[str, Any]:
        """Train and test, then train on everybody; whatever has ended is not done again.

        Returns:
            The summary of the tested run, with the ``run`` that it is of, and ``final``.
        """
        run, table, summary = self.train_tested()
        _, summary["final"] = self.train_final(table, summary, [run], SPLIT, "test split")
        end_series(self.folder, summary)
        return summary

    def train_tested(self) -> tuple[Path, PredictionTable, dict[str, Any]]:
        """Train and test the first network, if that was not done.

        Returns:
            The run's folder, its predictions of the tested photos, and its summary, with its
            ``run``.

        Raises:
            UserError: It did not test them.
        """
        say(f"a part of {split_size(self.folder / SPLIT)} is tested; what each training prints is in {self.folder}/*/{LOG}")
        with at_stop(self.how_to_go_on):
            self.fit(self.trainings, lambda _: self.title, lambda _: None)
        run, table, summary = self.read_tested(TESTED)
        say(f"{self.title}: {describe_accuracy(summary)}, {self.duration(TESTED)}")
        return run, table, summary

    def read_tested(self, name: str) -> tuple[Path, PredictionTable, dict[str, Any]]:
        """Read the finished run of a training, as ``train_tested`` returns it."""
        run = self.finished_run(name)
        if run is None:
            raise UserError(f"the run in {self.folder} did not test its photos; leave trainer.limit_test_batches out")
        table = read_prediction_table(run / "test" / PREDICTIONS_CSV)
        return run, table, read_summary(run) | {"run": run.as_posix()}
