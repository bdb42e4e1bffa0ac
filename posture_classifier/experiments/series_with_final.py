"""A series of trainings that can end with one more, on all photos."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posture_classifier.experiments import final_network
from posture_classifier.experiments.engines.engine import Training
from posture_classifier.experiments.quiet_fit import fit_quietly
from posture_classifier.experiments.training_series import TrainingSeries, fit_options
from posture_classifier.models.checkpoint import Procedure
from posture_classifier.runs.checkpoints import FINAL, parse_evaluation
from posture_classifier.runs.names import SETTINGS_YAML
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.runs.rule_words import describe_rules
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.training.evaluation import describe_evaluation, describe_familiarity, store_evaluation
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.text import describe_size, plural


@dataclass(frozen=True)
class SeriesWithFinal(TrainingSeries):
    """Trainings that test people whom they have not seen, and perhaps a final one on everybody.

    Attributes:
        seconds: How long the trainings of this process took, by their names.
        shown: Warnings that were shown already.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)

    def fit(self, trainings: Mapping[str, list[str]], title_of: Callable[[str], str], tell: Callable[[str], None]) -> None:
        """Train what has not come to its end; what is printed goes to files.

        Args:
            trainings: Options of ``fit`` by the path of the runs below the folder.
            title_of: Names a training to the user, such as ``fold 2 of 5``.
            tell: Called with each training in its turn, once it has ended well.

        Raises:
            UserError: A training failed that another process carried out; all others have ended.
        """
        waiting, failures, begun = self.unfinished(trainings), [], {}
        bar = self.settings.trainer.enable_progress_bar is not False

        def fit_here(training: Training) -> None:
            fit_quietly(training.words, training.log, title_of(training.name), self.shown, bar)

        def began(training: Training, where: str) -> None:
            begun[training.name] = time.monotonic()
            if where:
                say(f"{title_of(training.name)} begins {where}")

        def ended(training: Training, failure: str | None) -> None:
            if failure:
                failures.append(f"{title_of(training.name)}: {failure}")
                return
            self.seconds[training.name] = time.monotonic() - begun[training.name]
            tell(training.name)

        to_do = {training.name for training in waiting}
        for name in filter(lambda name: name not in to_do, trainings):
            tell(name)
        self.engine(len(waiting), fit_here).run(waiting, began, ended)
        if failures:
            raise UserError(f"{'; '.join(failures)}; {self.how_to_go_on(None)}")

    def duration(self, name: str) -> str:
        """How long a training took, in words."""
        return f"{self.seconds[name]:.0f} s" if name in self.seconds else "trained before"

    def train_final(
        self, table: PredictionTable, summary: dict[str, Any], runs: list[Path], split: str, procedure: Procedure
    ) -> tuple[Path, dict[str, Any]]:
        """Train a network on all photos, and put the figures of those before into its checkpoint.

        Args:
            table: Predictions of photos by networks that have not seen them.
            summary: What was measured on them.
            runs: Run folders of these networks.
            split: Path of the file of one of their splits, below the folder.
            procedure: How the photos were tested.

        Returns:
            The checkpoint, and what ``summary.json`` says of the training.
        """
        epochs = final_network.epochs_to_train(runs)
        with at_stop(self.how_to_go_on):
            if final_network.finished_final(self.folder) is None:
                self.fit_final("final network", split, epochs)
            run = final_network.finished_final(self.folder)
            assert run is not None  # the training has ended
            checkpoint = final_network.final_checkpoint(run)
            evaluation = self.describe_final(checkpoint, table, summary, runs, procedure)
            store_evaluation(checkpoint, evaluation)
        tested = "folds" if procedure == "cross-validation" else "tested network"
        say(
            f"final network: {plural(epochs, 'epoch')} on all {split_size(self.folder / final_network.SPLIT)}, "
            f"{self.duration(FINAL)}; nobody is left to test it, so its figures are those of the {tested}",
            describe_rules(parse_evaluation(evaluation)),
        )
        return checkpoint, {"run": run.as_posix(), "epochs": epochs, "temperature": evaluation["temperature"]}

    def fit_final(self, title: str, split: str, epochs: int, tested: tuple[str, ...] = ()) -> None:
        """Train on all photos of a split's file for some epochs, but on those ``tested``."""
        final_network.write_final_split(self.folder, split, tested)
        options = fit_options(self.settings, self.folder, FINAL, [SETTINGS_YAML], final_network.SPLIT)
        options += ["--report", "false", *final_network.final_options(epochs)]
        self.fit({FINAL: options}, lambda _: title, lambda _: None)

    def describe_final(
        self, checkpoint: Path, table: PredictionTable, summary: dict[str, Any], runs: list[Path], procedure: Procedure
    ) -> dict[str, Any]:
        """How good the final network can be expected to be, and how to use it.

        The arguments are those of ``train_final``, and its checkpoint.
        """
        seed = self.settings.data.seed
        choice, judges = final_network.choose_by_tested(table, runs)
        evaluation = describe_evaluation(table, summary, procedure, choice, seed, judges)
        reference, photos = final_network.measure_final(checkpoint, self.settings, self.folder / final_network.SPLIT)
        familiarity = final_network.tested_familiarity(runs, seed)
        described = describe_familiarity(familiarity, reference) if familiarity else None
        return evaluation | {"photos": photos, "familiarity": described}


def split_size(split: Path) -> str:
    """Describe the photos of a split's file: ``720 photos of 72 groups``."""
    rows = read_split_rows(split)
    groups = len({row["group"] for row in rows})
    return describe_size({"images": len(rows), "groups": groups if groups < len(rows) else None})


def describe_accuracy(summary: dict[str, Any]) -> str:
    """Write the accuracy of a tested network: ``accuracy 0.914 on 150 photos of 15 groups``."""
    return f"accuracy {summary['accuracy']['value']:.3f} on {describe_size(summary)}"
