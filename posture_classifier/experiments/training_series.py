"""A series of trainings in one folder, which an engine carries out, and which is resumable."""

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import yaml
from filelock import BaseFileLock
from jsonargparse import Namespace, capture_parser

from posture_classifier.callbacks.save_config import RESTORED
from posture_classifier.data.fixes import fingerprint
from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.data.seen import check_unseen, photo_digests
from posture_classifier.data.split_file import write_split
from posture_classifier.experiments.engines.choice import EngineName, choose_engine
from posture_classifier.experiments.engines.engine import Engine, Training, write_failure
from posture_classifier.experiments.remaining_time import RemainingTime
from posture_classifier.models.checkpoint import read_seen
from posture_classifier.runs.folder import make_numbered, numbered, versions
from posture_classifier.runs.lock import try_lock
from posture_classifier.runs.names import PREDICTIONS_CSV, SPLIT_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import NotTestedError, read_prediction_table
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_options import experiment_folder, experiment_name, name_leading_words
from posture_classifier.training.recommended import SENTENCE, chooses_nothing, recommended
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import write_json
from posture_classifier.utils.stopping import at_stop


@dataclass(frozen=True)
class TrainingSeries:
    """Trainings in one folder, of which each is an ordinary ``fit``.

    As a context manager it releases the folder at the end.

    Attributes:
        folder: ``lightning_logs/<experiment>/<command>_<N>``.
        settings: Settings of ``fit``, and of the command if it has a section of its own.
        trainings: Options of ``fit`` for each training, by the path of its runs below the folder.
        lock: Held while the series is trained; the system releases it when the process ends, in
            whatever way.
    """

    folder: Path
    settings: Namespace
    trainings: dict[str, list[str]]
    lock: BaseFileLock

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lock.release()

    def finished_run(self, name: str) -> Path | None:
        """The run folder of a training that came to its end, else None."""
        return finished_run(self.folder / name)

    def unfinished(self, trainings: Mapping[str, list[str]]) -> list[Training]:
        """The trainings that have not come to their end, as an engine takes them."""
        verbose = ["--verbose", str(self.settings.verbose).lower()]
        waiting = [name for name in trainings if self.finished_run(name) is None]
        return [Training(name, self.folder / name, [*trainings[name], *verbose]) for name in waiting]

    def engine(self, n_trainings: int, fit: Callable[[Training], str | None]) -> Engine:
        """The engine that ``--engine`` names; a command without that option trains in this process.

        The arguments are those of ``choose_engine``.
        """
        name: EngineName = self.settings.get("engine", "in_order")
        return choose_engine(name, self.settings.trainer, self.folder, n_trainings, fit)

    def how_to_go_on(self, _: object) -> str:
        """What to do after a stop, in words."""
        return f"the same command goes on in {self.folder}"

    def train(self) -> dict[str, str]:
        """Train whatever is not finished; a stopped training is resumed from its last checkpoint.

        Returns:
            Why trainings failed, by their names.
        """
        waiting = self.unfinished(self.trainings)
        remaining = RemainingTime(len(self.trainings), len(waiting))
        failures: dict[str, str] = {}

        def began(training: Training, where: str) -> None:
            say(f"\n{remaining.begin()}: {training.name}{where and f', {where}'}")

        def ended(training: Training, failure: str | None) -> None:
            if failure:
                failures[training.name] = failure
                say(f"{training.name} failed: {failure}")
            remaining.end()

        with at_stop(self.how_to_go_on):
            self.engine(len(waiting), _fit_here).run(waiting, began, ended)
        return failures


def _fit_here(training: Training) -> str | None:
    """Run ``fit`` in this process; returns a sentence if it failed."""
    training.folder.mkdir(parents=True, exist_ok=True)
    try:
        PostureCLI(training.words)
    # Whatever one network or the libraries under it raise, the others shall have their turn.
    except Exception as error:
        return write_failure(training, error)
    return None


def parse_settings(cli: type[PostureCLI], command: str, options: list[str]) -> tuple[Namespace, dict[str, Any]]:
    """Parse options of ``fit``, and those that a command adds, without running it.

    Returns:
        The settings, as values and as what YAML holds; the latter without ``verbose`` and
        ``refit``.

    Raises:
        UserError: The options are wrong, or tell what only the command itself can know.
    """
    parser = capture_parser(lambda: cli(["fit", *options]))
    parsed = parser.parse_args(["fit", *options])
    if parsed.fit.ckpt_path is not None:
        raise UserError(f"{command} resumes by itself where it was stopped; leave --ckpt_path out")
    if given := [name for name in RESTORED if parsed.fit.model[name] is not None]:
        raise UserError(f"model.{given[0]} is what a checkpoint restores; leave it out")
    plain = yaml.safe_load(parser.dump(parsed, skip_none=False))["fit"]
    if parsed.fit.refit and command != "refit":
        raise UserError(f"{command} tests as many networks as it is asked to, and refits none; leave --refit out")
    # Whatever is printed, the same is trained, and a stopped series is resumed.
    for name in ("verbose", "refit"):
        del plain[name]
    return parsed.fit, plain


def with_recommended(options: list[str]) -> list[str]:
    """The options, with the recommended recipe where they choose nothing about the network."""
    _, *named = name_leading_words(["fit", *options])
    if not chooses_nothing(named):
        return named
    say(SENTENCE)
    return recommended(named)


def _check_starts(files: set[str], divided: list[Photos]) -> None:
    """Check the weights that trainings are to start from, before the first one takes its time."""
    remedy = {"remedy": "folds test every photo, so start from other weights"} if len(divided) > 1 else {}
    for file in files:
        if seen := read_seen(file):
            digests = photo_digests(divided[0])  # all divide the same photos
            for photos in divided:
                check_unseen(photos, digests, Path(file), seen, **remedy)


def to_yaml(settings: dict[str, Any]) -> str:
    """Settings as the text of a YAML file, in their own order.

    A digest of the fixes stands beside the name of their file: a series is resumed only while they
    do the same to the photos.
    """
    text: str = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    fixes = settings.get("data", {}).get("fixes")
    return f"# fixes: {fingerprint(Path(fixes))}\n{text}" if fixes else text


def end_series(folder: Path, summary: dict[str, Any]) -> None:
    """Write ``summary.json``, which marks the end, and remove the shared cache."""
    write_json(folder / SUMMARY_JSON, summary)
    shutil.rmtree(folder / "cache", ignore_errors=True)


def has_ended(folder: Path) -> bool:
    """Whether a series has written ``summary.json``, which marks its end."""
    return (folder / SUMMARY_JSON).exists()


def other_photos(settings: Namespace, split: str) -> Callable[[Path], bool]:
    """The word on completeness of who takes up even an ended series: whether photos changed.

    It compares with the split, a path below the folder of a series, which lists all its photos.
    """
    # Which photos there are does not depend on groups, and those by looks take their time.
    photos = set(PostureData(**{**settings.data, "group_by": "none"}).choice.indexed.paths.tolist())
    return lambda folder: {row["path"] for row in read_split_rows(folder / split)} != photos


def resume_or_begin(
    experiment: Path,
    command: str,
    settings_file: str,
    text: str,
    begin: Callable[[], tuple[Path, BaseFileLock]],
    is_complete: Callable[[Path], bool] = has_ended,
) -> tuple[Path, BaseFileLock]:
    """Lock the newest folder in which a series of the same settings was stopped, or else a new one.

    Folders that another process works in are passed over.

    Args:
        experiment: Folder that holds the folders of the series.
        command: Command whose series is wanted, such as ``crossval`` for ``crossval_0``.
        settings_file: Name of the file in these folders that says what is trained.
        text: Text that this file holds.
        begin: Makes and locks a new folder, with all its other files.
        is_complete: Whether nothing is left to do in a folder.
    """

    def was_stopped(folder: Path) -> bool:
        settings = folder / settings_file
        return not is_complete(folder) and settings.is_file() and settings.read_text(encoding="utf-8") == text

    for folder in takewhile(was_stopped, reversed(numbered(experiment, command))):
        if lock := try_lock(folder):
            if was_stopped(folder):  # the process that worked there may have come to its end meanwhile
                say(f"resuming in {folder}")
                return folder, lock
            lock.release()
    folder, lock = begin()
    # The last of its files: a folder without it is not resumed.
    (folder / settings_file).write_text(text, encoding="utf-8")
    return folder, lock


def make_series_folder(
    settings: Namespace, command: str, splits: dict[str, Photos], weights: Iterable[str] = ()
) -> tuple[Path, BaseFileLock]:
    """Make and lock the folder of a new series.

    Args:
        settings: Settings of the series.
        command: Command whose series it is.
        splits: Photos, divided for a training; written to files of these names, which are paths
            below the folder.
        weights: Files that trainings start from, beside that of the settings.

    Raises:
        UserError: A network has learnt from photos that are to be tested.
    """
    _check_starts({file for file in (settings.model.weights, *weights) if file}, list(splits.values()))
    folder = make_numbered(experiment_folder(settings), command)
    lock = try_lock(folder)
    assert lock is not None  # no other process knows a folder that was just made
    for name, photos in splits.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_split(photos, folder / name)
    return folder, lock


def fit_options(settings: Namespace, folder: Path, name: str, configs: list[str], split: str) -> list[str]:
    """Options of ``fit`` for one training of a series; of several YAML files the later wins."""
    options = [word for config in configs for word in ("--config", str(folder / config))]
    options += ["--experiment", (Path(experiment_name(settings)) / folder.name / name).as_posix()]
    options += ["--trainer.devices", "1", "--data.split", str(folder / split)]
    options += ["--data.folds", "null", "--data.fold", "null", "--data.holdout_groups", "null"]
    if not settings.cache.keep:
        # One cache for all: decoded photos, and the features of a frozen part, are the same in each
        # training.
        options += ["--cache.keep", "true", "--cache.folder", str(folder / "cache")]
    return options


def finished_run(folder: Path) -> Path | None:
    """The newest run of a training that came to its end, else None."""
    return next((run for run in reversed(versions(folder)) if _is_finished(run)), None)


def _is_finished(run: Path) -> bool:
    """Whether a run has predicted all photos that it was to test."""
    tested = {row["path"] for row in read_split_rows(run / SPLIT_CSV) if row["split"] == "test"}
    try:
        predicted = set(read_prediction_table(run / "test" / PREDICTIONS_CSV).paths.tolist())
    except NotTestedError:
        return False
    return bool(tested) and tested == predicted
