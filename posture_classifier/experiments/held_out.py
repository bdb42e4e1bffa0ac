"""One training that is tested on people kept apart, and a final network on everybody."""

import json
from dataclasses import dataclass
from typing import Any

from posture_classifier.data.module import PostureData
from posture_classifier.experiments.engines.engine import LOG
from posture_classifier.experiments.series_with_final import SeriesWithFinal, describe_accuracy, split_size
from posture_classifier.experiments.training_series import (
    check_starts,
    find_stopped,
    fit_options,
    make_series_folder,
    other_photos,
    parse_settings,
    to_yaml,
)
from posture_classifier.runs.names import PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop

COMMAND = "held_out"
TESTED = "tested"
"""Folder of the runs that are tested."""
SPLIT = "splits/tested.csv"


@dataclass(frozen=True)
class HeldOut(SeriesWithFinal):
    """A training of a part of the people, tested on the others, and a final one on all."""

    @classmethod
    def prepare(cls, options: list[str]) -> "HeldOut":
        """Take up the newest folder if it is of the same settings and photos, or else make one.

        Args:
            options: Options of ``fit``.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, plain = parse_settings(PostureCLI, COMMAND, options)
        experiment, text = experiment_folder(settings), to_yaml(plain)
        found = find_stopped(experiment, COMMAND, SETTINGS_YAML, text, other_photos(settings, SPLIT))
        if found is None:
            photos = PostureData(**settings.data).choice.photos
            check_starts([settings.model.weights], [photos])
            found = make_series_folder(experiment, COMMAND, {SPLIT: photos})
            # The last of its files: a folder without it is not resumed.
            (found[0] / SETTINGS_YAML).write_text(text, encoding="utf-8")
        folder, lock = found
        return cls(folder, settings, {TESTED: fit_options(settings, folder, TESTED, [SETTINGS_YAML], SPLIT)}, lock)

    def run(self) -> dict[str, Any]:
        """Train and test, then train on everybody; whatever has ended is not done again.

        Returns:
            The summary of the tested run, with the ``run`` that it is of, and ``final``.
        """
        say(f"a part of {split_size(self.folder / SPLIT)} is tested; what each training prints is in {self.folder}/*/{LOG}")
        with at_stop(self.how_to_go_on):
            self.fit(self.trainings, lambda _: "tested network", lambda _: None)
        run = self.finished_run(TESTED)
        if run is None:
            raise UserError(f"the run in {self.folder} did not test its photos; leave trainer.limit_test_batches out")
        table = read_prediction_table(run / "test" / PREDICTIONS_CSV)
        summary: dict[str, Any] = json.loads((run / SUMMARY_JSON).read_text(encoding="utf-8"))
        summary["run"] = run.as_posix()
        say(f"tested network: {describe_accuracy(summary)}, {self.duration(TESTED)}")
        _, summary["final"] = self.train_final(table, summary, [run], SPLIT, "test split")
        self.finish(summary)
        return summary
