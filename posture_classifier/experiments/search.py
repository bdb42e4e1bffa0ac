"""The runs of a search: each an ordinary ``fit``, in a folder where a stopped one is taken up again."""

import json
import shutil
import traceback
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import BaseFileLock
from jsonargparse import Namespace

from posture_classifier.experiments.gpu_queue import RemainingTime, fit_on, gpus, run_on_gpus
from posture_classifier.experiments.pooled_predictions import pool_folds
from posture_classifier.experiments.search_plan import PLAN, PREFIX, plan, search_settings
from posture_classifier.runs.folder import versions
from posture_classifier.runs.names import SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.resume import find_stopped, is_finished, lock_folder, resume_options
from posture_classifier.training.fit import PostureCLI, experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

GIVEN = "search.yaml"
"""The options of the whole search."""
LOG = "fit.log"


@dataclass(frozen=True)
class BackboneSearch:
    """What is trained and where.

    Attributes:
        folder: ``lightning_logs/<experiment>/search_<N>``.
        settings: Of ``fit`` and of the search.
        lock: Held while it is trained; the system lets go of it when the process ends, in whatever way.
        trials: Options of ``fit`` by the name of the folder that the run goes to.
        without_weights: Backbones whose pretrained weights this machine cannot get.
    """

    folder: Path
    settings: Namespace
    lock: BaseFileLock
    trials: dict[str, list[str]]
    without_weights: list[str]

    @classmethod
    def prepared(cls, options: list[str]) -> "BackboneSearch":
        """Take up the newest folder if just this was stopped there, or else make one.

        A folder in which another process is at work is passed over.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, text = search_settings(options)
        if stopped := find_stopped(experiment_folder(settings), PREFIX, GIVEN, text):
            folder, lock = stopped
            say(f"going on in {folder}")
        else:
            folder = plan(settings, text)
            lock = lock_folder(folder)
            # The last of its files: a folder without it is not taken up.
            (folder / GIVEN).write_text(text, encoding="utf-8")
        return cls(folder, settings, lock, **json.loads((folder / PLAN).read_text(encoding="utf-8")))

    def finished(self, name: str) -> Path | None:
        """The run folder of a trial that has come to its end."""
        return next((run for run in reversed(versions(self.folder / name)) if is_finished(run)), None)

    def train(self) -> dict[str, str]:
        """Train what is not trained yet; returns why trials failed, by their names."""
        left = [name for name in self.trials if self.finished(name) is None]
        failures: dict[str, str] = {}
        pace = RemainingTime(len(self.trials), len(left))

        def train(name: str, device: str | None) -> None:
            say(f"\n{pace.begin()}: {name}" + (f", on GPU {device}" if device else ""))
            if failure := self._fit(name, device):
                failures[name] = failure
                say(f"{name} failed: {failure}")
            pace.end()

        devices = gpus(self.settings.trainer)
        if devices:
            run_on_gpus(left, devices, train)
        else:
            for name in left:
                train(name, None)
        return failures

    def _fit(self, name: str, device: str | None) -> str | None:
        """Train once, going on where it was stopped; returns a sentence if it failed."""
        log = self.folder / name / LOG
        options = [*self.trials[name], *resume_options(log.parent)]
        log.parent.mkdir(parents=True, exist_ok=True)
        if device is not None:
            return fit_on(device, options, log)
        try:
            PostureCLI(["fit", *options])
        except UserError as error:
            return str(error)
        # Whatever one network or the libraries under it raise, the others shall have their turn.
        except Exception as error:
            log.write_text(traceback.format_exc(), encoding="utf-8")
            return f"{type(error).__name__}: {first_line(error)} (all of it is in {log})"
        return None

    def results(self) -> list[Path]:
        """The folders that can be compared: of every run that has come to its end or, with folds, of all folds of one together."""
        done = {name: self.finished(name) for name in self.trials}
        if self.settings.data.folds is None or self.settings.data.fold is not None:
            return [run for run in done.values() if run]
        whole: list[Path] = []
        for parent in dict.fromkeys(Path(name).parent for name in self.trials):
            runs = [run for name, run in done.items() if Path(name).parent == parent]
            folds = [run for run in runs if run]
            if len(folds) == len(runs):
                whole.append(self._together(self.folder / parent, folds))
        return whole

    def _together(self, folder: Path, folds: list[Path]) -> Path:
        """Make a folder what ``crossval`` would have made it."""
        pool_folds(folds).write(folder / "predictions.csv")
        settings = yaml.safe_load((folds[0] / "config.yaml").read_text(encoding="utf-8"))
        settings["data"] |= {"split": None, "folds": len(folds)}
        (folder / SETTINGS_YAML).write_text(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True), encoding="utf-8")
        return folder

    def report(self, failures: dict[str, str]) -> None:
        """Say what should be known beside the comparison."""
        if self.without_weights:
            fate = "left out" if self.settings.search.without_weights == "skip" else "trained from random weights"
            say(f"{fate}, since this machine can get no pretrained ones: {', '.join(self.without_weights)}")
        for name, failure in failures.items():
            say(f"failed: {name}: {failure}")
        if failures:
            say(f"{len(failures)} of {len(self.trials)} trainings failed; the same command tries them again")
        say(f"search folder: {self.folder}")

    def finish(self) -> None:
        """Mark the end, and remove the activations that were kept from run to run."""
        (self.folder / SUMMARY_JSON).write_text(json.dumps({"runs": list(self.trials)}, indent=2), encoding="utf-8")
        shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def __enter__(self) -> "BackboneSearch":
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()
