"""A search in which Optuna proposes the options, and any number of processes train.

Validation people choose: no trial reads a photo of the test people. Only the trial that was chosen
in the end is trained once more, as an ordinary ``fit``, which tests it.
"""

import hashlib
import json
import math
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock
from jsonargparse import Namespace
from lightning.pytorch import Callback, LightningModule, Trainer
from optuna import TrialPruned
from optuna.trial import TrialState

from posture_classifier.data.module import PostureData
from posture_classifier.experiments.engines.engine import Training, write_failure
from posture_classifier.experiments.quiet_fit import fit_quietly
from posture_classifier.experiments.search import COMMAND, PLAN_JSON, SEARCH_YAML
from posture_classifier.experiments.search_options import check_study, check_values
from posture_classifier.experiments.search_space import describe, words
from posture_classifier.experiments.study import Claim, Study, open_study
from posture_classifier.experiments.training_series import fit_options, make_series_folder, other_photos, to_yaml
from posture_classifier.runs.folder import numbered, versions
from posture_classifier.runs.names import METRICS_CSV
from posture_classifier.runs.tables import read_curves, read_split_rows
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.tables import write_rows

ALL, WITHOUT_TEST = "splits/all.csv", "splits/without_test.csv"
COMMON = "fit.yaml"
"""Options of all trainings."""
BEGINNING = ".search.lock"
"""Held in the experiment's folder while a worker looks for the search's folder, or makes it."""
LOSS = "val/loss"
FAILURE = "failure"
"""Attribute of a trial: the sentence it failed with."""


@dataclass(frozen=True)
class StudySearch:
    """One worker of a search by Optuna, all of which train in the same folder."""

    folder: Path
    settings: Namespace
    study: Study
    shown: set[str] = field(default_factory=set)

    @classmethod
    def prepare(cls, settings: Namespace, plain: dict[str, Any]) -> "StudySearch":
        """Join the newest search of the same options and photos, or else begin one.

        The options are what ``parse_settings`` returned.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        search, space = settings.search, check_study(settings)
        del plain["engine"], plain["search"]["trials"]  # more trials go on with the same study
        if search.storage:  # a URL may hold a password
            plain["search"]["storage"] = hashlib.sha256(search.storage.encode()).hexdigest()[:16]
        common = to_yaml({name: value for name, value in plain.items() if name != "search"})
        with tempfile.TemporaryDirectory() as temporary:
            (file := Path(temporary, COMMON)).write_text(common, encoding="utf-8")
            check_values(["--config", str(file)], space)
        folder = _join_or_begin(settings, to_yaml(plain), common)
        plan = json.loads((folder / PLAN_JSON).read_text(encoding="utf-8"))
        study = open_study(search.storage, plan["study"], folder, search.prune_after)
        return cls(folder, settings, Study(study, folder, plan["place"], space, search.trials, settings.seed_everything))

    def train(self) -> None:
        """Train one trial after the other, until there are as many as wanted."""
        with at_stop(lambda _: f"the same command goes on in {self.folder}"):
            while (claim := self.study.claim()) is not None:
                self._train(claim)

    def _train(self, claim: Claim) -> None:
        number = claim.trial.number
        say(f"trial {number} ({number + 1} of {self.study.n_trials}): {describe(claim.values)}")
        training = self.training(claim.name, claim.values, WITHOUT_TEST)
        training.options.extend(["--report", "false"])
        bar = self.settings.trainer.enable_progress_bar is not False
        try:
            fit_quietly(training.words[1:], training.log, claim.name, self.shown, bar, [_ReportsLosses(claim.report)])
            loss = _lowest_loss(training.folder)
        except TrialPruned:
            self.study.end(claim, TrialState.PRUNED)
            say(f"trial {number}: stopped, worse than the median")
        # Whatever one network or the libraries under it raise, the others shall have their turn.
        except Exception as error:
            failure = write_failure(training, error)
            claim.trial.set_user_attr(FAILURE, failure)
            self.study.end(claim, TrialState.FAIL)
            say(f"trial {number} failed: {failure}")
        else:
            self.study.end(claim, TrialState.COMPLETE, loss)
            say(f"trial {number}: val/loss {loss:.4f}")

    def training(self, name: str, values: dict[str, str], split: str) -> Training:
        """A training of this search, by options beside the common ones."""
        options = [*fit_options(self.settings, self.folder, name, [COMMON], split), *words(values)]
        return Training(name, self.folder / name, [*options, "--verbose", str(self.settings.verbose).lower()])


def _join_or_begin(settings: Namespace, text: str, common: str) -> Path:
    """The folder of the newest search of the same options and photos, or a new one."""
    experiment = experiment_folder(settings)
    experiment.mkdir(parents=True, exist_ok=True)
    changed = other_photos(settings, ALL)
    with FileLock(experiment / BEGINNING):
        for folder in reversed(numbered(experiment, COMMAND)):
            file = folder / SEARCH_YAML
            if file.is_file() and file.read_text(encoding="utf-8") == text and not changed(folder):
                say(f"working in {folder}")
                return folder
        return _begin(settings, experiment, text, common)


def _begin(settings: Namespace, experiment: Path, text: str, common: str) -> Path:
    photos = PostureData(**settings.data).photos
    if lacking := [name for name in ("val", "test") if name not in photos.splits]:
        raise UserError(f"search.space chooses on validation people and tests on others; set data.{lacking[0]}_fraction above 0")
    folder, lock = make_series_folder(settings, COMMAND, {ALL: photos})
    lock.release()  # this folder is for all workers; each of its trials has a lock
    # A photo without a split is not used.
    rows = [row | {"split": "" if row["split"] == "test" else row["split"]} for row in read_split_rows(folder / ALL)]
    write_rows(rows, list(rows[0]), folder / WITHOUT_TEST)
    (folder / COMMON).write_text(common, encoding="utf-8")
    # In one storage, the same options of the same photos are the same study.
    digest = hashlib.sha256(text.encode() + (folder / ALL).read_bytes()).hexdigest()[:16]
    plan = {"study": f"{experiment.name}-{digest}", "place": uuid.uuid4().hex}
    (folder / PLAN_JSON).write_text(json.dumps(plan, indent=2), encoding="utf-8")
    # The last of its files: nobody works in a folder without it.
    (folder / SEARCH_YAML).write_text(text, encoding="utf-8")
    return folder


class _ReportsLosses(Callback):
    """Reports the validation loss after each epoch, to what may raise to end the training."""

    def __init__(self, report: Callable[[int, float], None]) -> None:
        self.report = report

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report it, if the epoch was validated."""
        if (loss := trainer.callback_metrics.get(LOSS)) is not None and math.isfinite(loss):
            self.report(trainer.current_epoch, float(loss))


def _lowest_loss(folder: Path) -> float:
    """The lowest validation loss of the newest run in a folder: that of its best checkpoint.

    Raises:
        UserError: No epoch has one that is a number.
    """
    losses = [float(row[LOSS]) for row in read_curves(versions(folder)[-1] / METRICS_CSV) if row.get(LOSS)]
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        raise UserError(f"no epoch has a {LOSS} that is a number; lower the learning rates")
    return min(finite)
