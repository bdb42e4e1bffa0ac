"""The runs of a cross-validation: one ordinary ``fit`` a fold, in a folder where a stopped one is taken up again."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import BaseFileLock
from jsonargparse import Namespace

from posture_classifier.data.module import PostureData
from posture_classifier.data.split import write_split
from posture_classifier.runs.folder import make_numbered, versions
from posture_classifier.runs.names import SETTINGS_YAML
from posture_classifier.runs.resume import find_stopped, is_finished, lock_folder, resume_options
from posture_classifier.training.fit import PostureCLI, experiment_folder, experiment_name
from posture_classifier.training.fit_settings import fit_settings
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError

Way = Literal["groups", "random"]
"""Folds of groups, as the user's options make them; or of photos at random, for comparison."""
PREFIX = "crossval"


@dataclass(frozen=True)
class CrossValidation:
    """What is trained and where.

    Attributes:
        folder: ``lightning_logs/<experiment>/crossval_<N>``.
        ways: Of making folds; each is trained.
        options: The user's options of ``fit``.
        settings: What they amount to.
        lock: Held while it is trained; the system lets go of it when the process ends, in whatever way.
    """

    folder: Path
    ways: list[Way]
    options: list[str]
    settings: Namespace
    lock: BaseFileLock

    @classmethod
    def prepared(cls, options: list[str], compare_splits: bool) -> "CrossValidation":
        """Take up the newest folder if just this was stopped there, or else make one and write all its splits.

        A folder in which another process is at work is passed over.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, text = fit_settings(options)
        _check(settings)
        ways: list[Way] = ["groups", "random"] if compare_splits else ["groups"]
        text = f"# folds of: {', '.join(ways)}\n{text}"
        experiment = experiment_folder(settings)
        if stopped := find_stopped(experiment, PREFIX, SETTINGS_YAML, text):
            say(f"going on in {stopped[0]}")
            return cls(stopped[0], ways, options, settings, stopped[1])
        # Grouping may mean looking at every photo, so it is done once, and the runs are given files.
        splits = {"groups": PostureData(**settings.data).every_fold()}
        if compare_splits:
            if not splits["groups"][0].grouped:
                raise UserError(
                    "--compare_splits needs groups to compare with; give data.group_pattern, or data.group_by cluster or exif"
                )
            splits["random"] = PostureData(**{**settings.data, "group_by": "none"}).every_fold()
        folder = make_numbered(experiment, PREFIX)
        result = cls(folder, ways, options, settings, lock_folder(folder))
        for way in ways:
            (result.place(way) / "splits").mkdir(parents=True, exist_ok=True)
            for fold, photos in enumerate(splits[way]):
                write_split(photos, result.split(way, fold))
        # The last of them: a folder without it is not taken up.
        (result.folder / SETTINGS_YAML).write_text(text, encoding="utf-8")
        return result

    def place(self, way: Way) -> Path:
        """The folder of a way's runs and splits."""
        return self.folder if way == "groups" else self.folder / way

    def split(self, way: Way, fold: int) -> Path:
        """The file that says what a fold trains on and tests."""
        return self.place(way) / "splits" / f"fold_{fold}.csv"

    def train(self) -> dict[Way, list[Path]]:
        """Train what is not trained yet; returns the run folders in order of the folds."""
        return {way: [self._run(way, fold) for fold in range(self.settings.data.folds)] for way in self.ways}

    def _run(self, way: Way, fold: int) -> Path:
        runs = self.place(way) / f"fold_{fold}"
        done = [run for run in versions(runs) if is_finished(run)]
        if not done:
            kind = "" if way == "groups" else f", {way}"
            say(f"\nfold {fold + 1} of {self.settings.data.folds}{kind}")
            PostureCLI(["fit", *self.options, *self._fold_options(way, fold, runs)])
            done = versions(runs)
        return done[-1]

    def _fold_options(self, way: Way, fold: int, runs: Path) -> list[str]:
        """What ``fit`` is told beside the user's options."""
        name = Path(experiment_name(self.settings)) / self.folder.name / runs.relative_to(self.folder)
        # A fold's report, which takes longer than its training may, is to be had by the command of that name.
        options = ["--experiment", name.as_posix(), "--trainer.devices", "1", "--report", "false"]
        options += ["--data.split", str(self.split(way, fold)), "--data.folds", "null"]
        if way == "random":
            options += ["--data.group_by", "none"]
        if not self.settings.cache.keep:
            # One place for all folds: what the frozen part answers to a photo does not depend on the fold.
            options += ["--cache.keep", "true", "--cache.folder", str(self.folder / "cache")]
        return options + resume_options(runs)

    def tidy(self) -> None:
        """Remove the activations that were kept from fold to fold."""
        shutil.rmtree(self.folder / "cache", ignore_errors=True)

    def __enter__(self) -> "CrossValidation":
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def _check(settings: Namespace) -> None:
    if settings.data.folds is None:
        raise UserError("crossval needs data.folds, the number of folds; 5 is usual")
    if settings.data.fold is not None:
        raise UserError(f"crossval trains all folds; leave data.fold {settings.data.fold} out")
    trainer = settings.trainer
    if trainer.strategy != "auto" or trainer.num_nodes != 1 or str(trainer.devices) not in ("auto", "1", "-1"):
        # Several processes would each begin the whole command anew.
        raise UserError("crossval trains one fold after the other on one device; leave trainer.strategy, devices and num_nodes out")
