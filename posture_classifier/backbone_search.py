"""The runs of a search: every backbone with every seed, each an ordinary ``fit`` on one division of the photos."""

import json
import re
import shutil
import traceback
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import timm
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser
from rich.console import Console

from posture_classifier.crossvalidation import SETTINGS, SUMMARY, SettingsOnly, fit_settings, going_on, is_done, stopped
from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.data.split import write_split
from posture_classifier.errors import UserError, first_line, sample
from posture_classifier.over_devices import Pace, fit_on, gpus, over_devices
from posture_classifier.runs import make_numbered, numbered, versions
from posture_classifier.training import PostureCLI, experiment_folder, experiment_name
from posture_classifier.weights import hub_is_out_of_reach, nearest_names, weights_are

PREFIX = "search"
PLAN = "plan.json"
"""The trainings, decided once: which weights can be had may have changed when a stopped search goes on."""
LOG = "fit.log"


@dataclass(frozen=True)
class Search:
    """What is tried; the section ``search`` beside the options of ``fit``.

    Args:
        backbones: Any model names of timm.
        seeds: Of the new head, the order and the augmentation; ``seed_everything`` names the division of the photos, one for all.
        settings: Named sets of options of ``fit``, of which each is tried with each backbone; without them there are only the
            common ones.
        weights: Files to start from, by backbone.
        without_weights: What becomes of a backbone whose pretrained weights this machine cannot get: ``random`` trains it from
            random weights, ``skip`` leaves it out. Either way it is said.
    """

    backbones: list[str]
    seeds: list[int] = field(default_factory=lambda: [0])
    settings: dict[str, dict[str, Any]] | None = None
    weights: dict[str, str] | None = None
    without_weights: Literal["random", "skip"] = "random"


class _SearchSettings(SettingsOnly):
    command = "search"

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        super().add_arguments_to_parser(parser)
        parser.add_class_arguments(Search, "search")

    def dumped(self) -> str:
        whole = json.loads(self.parser.dump(self.config, skip_none=False, format="json"))
        return json.dumps(whole["fit"], indent=2)


@dataclass(frozen=True)
class BackboneSearch:
    """What is trained and where.

    Attributes:
        folder: ``lightning_logs/<experiment>/search_<N>``.
        trainer: Options of the trainer.
        trials: Options of ``fit`` by the name of the folder that the run goes to, such as ``resnet18-seed_0``.
        without_weights: Backbones whose pretrained weights this machine cannot get.
        skipped: Whether these are left out.
    """

    folder: Path
    trainer: Namespace
    trials: dict[str, list[str]]
    without_weights: list[str]
    skipped: bool

    @classmethod
    def prepared(cls, options: list[str]) -> "BackboneSearch":
        """Take up the newest folder if just this was stopped there, or else make one, and divide the photos once for all runs.

        Raises:
            UserError: The options do not fit each other or the photos.
        """
        settings, text = fit_settings(options, _SearchSettings)
        search = Search(**settings.search.as_dict())
        _check(search, settings)
        experiment = experiment_folder(settings)
        newest = numbered(experiment, PREFIX)[-1:]
        if newest and stopped(newest[0], text):
            folder = newest[0]
            _say(f"going on in {folder}")
        else:
            folder = _planned(search, settings, text)
            # The last of them: a folder without it is not taken up.
            (folder / SETTINGS).write_text(text, encoding="utf-8")
        plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        return cls(folder, settings.trainer, plan["trials"], plan["without_weights"], search.without_weights == "skip")

    def finished(self, name: str) -> Path | None:
        """The run folder of a trial that has come to its end."""
        return next((run for run in reversed(versions(self.folder / name)) if is_done(run)), None)

    def train(self) -> dict[str, str]:
        """Train what is not trained yet; returns why trials failed, by their names."""
        left = [name for name in self.trials if self.finished(name) is None]
        failures: dict[str, str] = {}
        pace = Pace(len(self.trials), len(left))

        def train(name: str, device: str | None) -> None:
            _say(f"\n{pace.begin()}: {name}" + (f", on GPU {device}" if device else ""))
            if failure := self._fit(name, device):
                failures[name] = failure
                _say(f"{name} failed: {failure}")
            pace.end()

        devices = gpus(self.trainer)
        if devices:
            over_devices(left, devices, train)
        else:
            for name in left:
                train(name, None)
        return failures

    def _fit(self, name: str, device: str | None) -> str | None:
        """Train once, going on where it was stopped; returns a sentence if it failed."""
        runs = self.folder / name
        options = [*self.trials[name], *going_on(runs)]
        if device is not None:
            runs.mkdir(exist_ok=True)
            return fit_on(device, options, runs / LOG)
        try:
            PostureCLI(["fit", *options])
        except UserError as error:
            return str(error)
        # Whatever one network or the libraries under it raise, the others shall have their turn.
        except Exception as error:
            runs.mkdir(exist_ok=True)
            (runs / LOG).write_text(traceback.format_exc(), encoding="utf-8")
            return f"{type(error).__name__}: {first_line(error)} (all of it is in {runs / LOG})"
        return None

    def report(self, failures: dict[str, str]) -> None:
        """Say what should be known beside the comparison."""
        if self.without_weights:
            fate = "left out" if self.skipped else "trained from random weights"
            _say(f"{fate}, since this machine can get no pretrained ones: {', '.join(self.without_weights)}")
        for name, failure in failures.items():
            _say(f"failed: {name}: {failure}")
        if failures:
            _say(f"{len(failures)} of {len(self.trials)} trainings failed; the same command tries them again")
        _say(f"search folder: {self.folder}")

    def finish(self) -> None:
        """Mark the end, and remove the activations that were kept from run to run."""
        (self.folder / SUMMARY).write_text(json.dumps({"runs": list(self.trials)}, indent=2), encoding="utf-8")
        shutil.rmtree(self.folder / "cache", ignore_errors=True)


def _planned(search: Search, settings: Namespace, text: str) -> Path:
    """Make the folder of a search with its division of the photos, the options that all runs share, and the plan."""
    divisions = _divisions(settings)
    without = [name for name in search.backbones if not _has_weights(name, search, settings)]
    tried = [name for name in search.backbones if name not in without or search.without_weights == "random"]
    if not tried:
        raise UserError(f"search.without_weights skip leaves nothing: this machine can get no weights for {sample(without)}")
    folder = make_numbered(experiment_folder(settings), PREFIX)
    common = {key: value for key, value in json.loads(text).items() if key != "search"}
    named = {"fit": common} | (search.settings or {})
    for name, options in named.items():
        (folder / f"{name}.json").write_text(json.dumps(options, indent=2), encoding="utf-8")
    for name, photos in divisions.items():
        write_split(photos, folder / f"{name}.csv")
    trials: dict[str, list[str]] = {}
    for backbone, setting, seed, division in product(tried, search.settings or [None], search.seeds, divisions):
        parts = [backbone, setting, f"seed_{seed}", division if len(divisions) > 1 else None]
        trial = "-".join(part for part in parts if part)
        options = ["--config", str(folder / "fit.json"), *(["--config", str(folder / f"{setting}.json")] if setting else [])]
        options += ["--experiment", (Path(experiment_name(settings)) / folder.name / trial).as_posix()]
        options += ["--model.backbone", backbone, "--seed_everything", str(seed), "--trainer.devices", "1"]
        options += ["--data.split", str(folder / f"{division}.csv")]
        options += [word for name in ("folds", "fold", "holdout_groups") for word in (f"--data.{name}", "null")]
        if backbone in without:
            options += ["--model.pretrained", "false"]
        elif backbone in (search.weights or {}):
            options += ["--model.weights", (search.weights or {})[backbone]]
        if not settings.cache.keep:
            options += ["--cache.keep", "true", "--cache.folder", str(folder / "cache")]
        trials[trial] = options
    (folder / PLAN).write_text(json.dumps({"without_weights": without, "trials": trials}, indent=2), encoding="utf-8")
    return folder


def _divisions(settings: Namespace) -> dict[str, Photos]:
    """The photos divided for training and test, once or fold by fold, by name."""
    data = PostureData(**settings.data)
    if settings.data.folds is not None and settings.data.fold is None:
        return {f"fold_{number}": photos for number, photos in enumerate(data.every_fold())}
    if not data.has_test:
        raise UserError("search compares on test photos; set data.test_fraction above 0")
    return {"split": data.photos}


def _has_weights(name: str, search: Search, settings: Namespace) -> bool:
    if name in (search.weights or {}) or not settings.model.pretrained:
        return True  # or none are wanted
    where = weights_are(name)
    return where == "here" or (where != "none" and not hub_is_out_of_reach())


def _check(search: Search, settings: Namespace) -> None:
    for name in search.backbones:
        if not timm.is_model(name):
            raise UserError(f"search.backbones: {name!r} is unknown to timm{nearest_names(name)}")
    if not search.backbones or not search.seeds:
        raise UserError("search.backbones and search.seeds must name at least one each")
    if unused := sorted(set(search.weights or {}) - set(search.backbones)):
        raise UserError(f"search.weights names {sample(unused)}, which search.backbones does not")
    if missing := [file for file in (search.weights or {}).values() if not Path(file).is_file()]:
        raise UserError(f"search.weights: {missing[0]} is not a file")
    if wrong := [name for name in search.settings or {} if not re.fullmatch(r"[\w.]+", name) or name in ("fit", "plan")]:
        raise UserError(f"search.settings: {wrong[0]!r} cannot name a folder; letters, digits and _ can")
    if settings.trainer.strategy != "auto" or settings.trainer.num_nodes != 1:
        raise UserError("search trains each network on one device; leave trainer.strategy and num_nodes out")


def _say(text: str) -> None:
    Console(highlight=False, markup=False).print(text, soft_wrap=True)
