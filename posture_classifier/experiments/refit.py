"""``fit --refit``: one training that chooses, and another one that learns from its choosing photos.

The first is an ordinary ``fit``. Its validation photos choose the number of epochs, the temperature
and the thresholds. The second learns from them as well, for that number of epochs, and is tested on
the same photos, which neither has seen.
"""

import shutil
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from posture_classifier.experiments import final_network
from posture_classifier.experiments.held_out import SPLIT, HeldOut
from posture_classifier.experiments.training_series import end_series, with_recommended
from posture_classifier.rendering.estimates_table import estimates_table
from posture_classifier.report.page import NAME, write_report
from posture_classifier.report.provenance_section import describe_refit
from posture_classifier.runs.checkpoints import FINAL, parse_evaluation
from posture_classifier.runs.names import PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.runs.rule_words import describe_rules
from posture_classifier.runs.status import status_line
from posture_classifier.training.evaluation import store_evaluation
from posture_classifier.utils.console import say
from posture_classifier.utils.files import atomic_write, write_json
from posture_classifier.utils.stopping import at_stop


@dataclass(frozen=True)
class Refit(HeldOut):
    """A training that chooses epochs, temperature and thresholds, and one that learns from more."""

    command: ClassVar[str] = "refit"
    title: ClassVar[str] = "first network"
    needed: ClassVar[tuple[str, ...]] = ("val", "test")

    def run(self) -> dict[str, Any]:
        """Train both and test both; whatever has ended is not done again.

        Returns:
            The summary of the refitted run, with the ``run`` that it is of.
        """
        chosen, _, _ = self.train_tested()
        epochs = final_network.epochs_to_train([chosen])
        with at_stop(self.how_to_go_on):
            if self.finished_run(FINAL) is None:
                self.fit_final("refitted network", SPLIT, epochs, tested=("test",))
            run, table, summary = self.read_tested(FINAL)
            summary["refit"] = {"epochs": epochs, "first_run": chosen.as_posix()}
            checkpoint = final_network.final_checkpoint(run)
            evaluation = self.describe_final(checkpoint, table, summary, [chosen], "test split")
            store_evaluation(checkpoint, evaluation)
            self._complete(run, chosen, summary)
        say(
            estimates_table(summary, "test split"),
            " ".join(filter(None, [describe_refit(summary), status_line(summary["status"])])),
            describe_rules(parse_evaluation(evaluation)),
        )
        say(f"checkpoint: {checkpoint}", f"run folder: {run}", whole=True)
        if (run / NAME).is_file():
            say(f"report: {run / NAME}", whole=True)
        end_series(self.folder, summary)
        return summary

    def _complete(self, run: Path, chosen: Path, summary: dict[str, Any]) -> None:
        """Put into the refitted run what the first one chose, and the predictions that chose it."""
        write_json(run / SUMMARY_JSON, summary)
        (run / "val").mkdir(exist_ok=True)
        with atomic_write(run / "val" / PREDICTIONS_CSV) as temporary:
            shutil.copyfile(chosen / "val" / PREDICTIONS_CSV, temporary)
        if self.settings.report:
            write_report(run, run / NAME)


def wants_refit(arguments: list[str]) -> bool:
    """Whether a command line asks ``fit`` to refit.

    Example:
        >>> wants_refit(["fit", "photos", "--refit", "true"]), wants_refit(["fit", "photos"])
        (True, False)
    """
    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--refit", nargs="?", const="true", default="false")
    return arguments[:1] == ["fit"] and parser.parse_known_args(arguments)[0].refit.lower() == "true"


def refit(options: list[str]) -> Path:
    """Train, choose, and train again; returns the folder of the refitted run.

    Args:
        options: Options of ``fit``.
    """
    with Refit.prepare(with_recommended(options), repeat=True) as series:
        return Path(series.run()["run"])
