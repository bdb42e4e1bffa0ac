"""Search: trainings of every backbone with every seed and set of options, on one split."""

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from filelock import BaseFileLock
from jsonargparse import Namespace

from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.experiments.fold_predictions import join_folds
from posture_classifier.experiments.search_options import OF_STUDY, SearchOptions, can_get_weights, check_search
from posture_classifier.experiments.training_series import (
    TrainingSeries,
    fit_options,
    make_series_folder,
    resume_or_begin,
    to_yaml,
)
from posture_classifier.runs.names import CONFIG_YAML, PREDICTIONS_CSV, SETTINGS_YAML
from posture_classifier.training.fit_options import experiment_folder
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

COMMAND = "search"
SEARCH_YAML = "search.yaml"
"""Holds the options of the whole search."""
PLAN_JSON = "plan.json"
"""Holds options of ``fit`` by training, and the backbones without weights: both are decided once,
when a search begins."""


@dataclass(frozen=True)
class BackboneSearch(TrainingSeries):
    """One training for every backbone, set of options, seed and, with ``data.folds``, fold.

    Attributes:
        without_weights: Backbones whose pretrained weights this machine cannot get.
    """

    without_weights: list[str]

    @classmethod
    def prepare(cls, settings: Namespace, plain: dict[str, Any]) -> "BackboneSearch":
        """Resume the newest folder if the same was stopped there, or else make one with its plan.

        The options are what ``parse_settings`` returned.

        Raises:
            UserError: The options do not fit each other or the photos, or leave nothing to train.
        """
        search = check_search(settings)
        for name in OF_STUDY:  # texts of older searches have none of them
            del plain["search"][name]
        # The last, where older versions wrote it: the text of a search that they began is compared.
        plain["ckpt_path"] = plain.pop("ckpt_path")
        del plain["engine"]  # it changes nothing of what is trained

        def begin() -> tuple[Path, BaseFileLock]:
            splits = _splits(settings)
            without = [name for name in search.backbones if not _has_weights(name, search, settings)]
            if search.without_weights == "skip" and len(without) == len(search.backbones):
                raise UserError(
                    f"search.without_weights skip leaves nothing: this machine can get no weights for {shortlist(without)}"
                )
            files = {f"splits/{name}.csv": photos for name, photos in splits.items()}
            folder, lock = make_series_folder(settings, COMMAND, files, (search.weights or {}).values())
            common = {key: value for key, value in plain.items() if key != "search"}
            for name, section in {"fit": common, **(search.settings or {})}.items():
                (folder / f"{name}.yaml").write_text(to_yaml(section), encoding="utf-8")
            plan = {"without_weights": without, "trials": _trainings(settings, search, folder, list(splits), without)}
            (folder / PLAN_JSON).write_text(json.dumps(plan, indent=2), encoding="utf-8")
            return folder, lock

        folder, lock = resume_or_begin(experiment_folder(settings), COMMAND, SEARCH_YAML, to_yaml(plain), begin)
        plan = json.loads((folder / PLAN_JSON).read_text(encoding="utf-8"))
        return cls(folder, settings, plan["trials"], lock, plan["without_weights"])

    def results(self) -> list[Path]:
        """Folders to compare: finished runs or, with folds, networks with all folds finished."""
        runs = {name: self.finished_run(name) for name in self.trainings}
        if self.settings.data.folds is None or self.settings.data.fold is not None:
            return [run for run in runs.values() if run]
        joined: list[Path] = []
        for parent in dict.fromkeys(Path(name).parent for name in self.trainings):
            folds = [run for name, run in runs.items() if Path(name).parent == parent]
            finished = [run for run in folds if run]
            if len(finished) == len(folds):
                joined.append(_join(self.folder / parent, finished))
        return joined

    def report(self, failures: dict[str, str]) -> None:
        """Print what should be known beside the comparison."""
        if self.without_weights:
            fate = "left out" if self.settings.search.without_weights == "skip" else "trained from random weights"
            say(f"{fate}, since this machine can get no pretrained ones: {', '.join(self.without_weights)}")
        for name, failure in failures.items():
            say(f"failed: {name}: {failure}")
        if failures:
            say(f"{len(failures)} of {len(self.trainings)} trainings failed; the same command tries them again")
        say(f"search folder: {self.folder}")


def _splits(settings: Namespace) -> dict[str, Photos]:
    """The photos, divided for training and test once, or fold by fold."""
    data = PostureData(**settings.data)
    if settings.data.folds is not None and settings.data.fold is None:
        return {f"fold_{number}": photos for number, photos in enumerate(data.choice.every_fold())}
    if not data.has_test:
        raise UserError("search compares on test photos; set data.test_fraction above 0")
    return {"all": data.photos}


def _has_weights(backbone: str, search: SearchOptions, settings: Namespace) -> bool:
    """Whether a backbone gets the weights that are wanted for it."""
    return backbone in (search.weights or {}) or not settings.model.pretrained or can_get_weights(backbone)


def _trainings(
    settings: Namespace, search: SearchOptions, folder: Path, splits: list[str], without_weights: list[str]
) -> dict[str, list[str]]:
    """Options of ``fit`` by training, such as ``resnet18-seed_0`` or ``resnet18-seed_0/fold_0``."""
    trainings: dict[str, list[str]] = {}
    for backbone, setting, seed, split in product(search.backbones, search.settings or [None], search.seeds, splits):
        if backbone in without_weights and search.without_weights == "skip":
            continue
        name = "-".join(part for part in (backbone, setting, f"seed_{seed}") if part)
        name = f"{name}/{split}" if len(splits) > 1 else name
        configs = ["fit.yaml", f"{setting}.yaml"] if setting else ["fit.yaml"]
        options = fit_options(settings, folder, name, configs, f"splits/{split}.csv")
        options += ["--model.backbone", backbone, "--seed_everything", str(seed)]
        if backbone in without_weights:
            options += ["--model.pretrained", "false"]
        if search.weights and backbone in search.weights:
            options += ["--model.weights", search.weights[backbone]]
        trainings[name] = options
    return trainings


def _join(folder: Path, folds: list[Path]) -> Path:
    """Write the files that let a folder be read like one of ``crossval``."""
    join_folds(folds).write(folder / PREDICTIONS_CSV)
    settings = yaml.safe_load((folds[0] / CONFIG_YAML).read_text(encoding="utf-8"))
    settings["data"] |= {"split": None, "folds": len(folds)}
    (folder / SETTINGS_YAML).write_text(to_yaml(settings), encoding="utf-8")
    return folder
