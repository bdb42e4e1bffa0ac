"""The configurations that are compared: runs that differ in nothing but their seed."""

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, replace
from os.path import commonpath
from typing import Any

import numpy as np

from posture_classifier.runs.names import SPLIT_CSV
from posture_classifier.runs.reading import TestedRun
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

IGNORED_SETTINGS = ("seed_everything", "experiment", "data.split", "data.num_workers")
"""Settings that name a run, or say how fast and where it is trained, but not what is trained."""
IGNORED_PREFIXES = ("trainer.default_root_dir", "trainer.enable_", "trainer.logger", "trainer.devices", "cache.", "run_")
"""Beginnings of further such settings."""
REPORTING = ".wandb_report."
"""Part of the class paths of callbacks that only report."""
EARLY_STOPPING = "posture_classifier.callbacks.early_stopping.EarlyStopping"
"""Class path of ``EarlyStoppingAfterUnfreezing`` in runs of 0.1.0, when it had another name."""
MAX_NAME_LENGTH = 60
"""Longest name made of settings, in characters."""


@dataclass(frozen=True)
class Configuration:
    """Settings of a training, with the runs that have them.

    Attributes:
        name: Short name, unlike the others'.
        runs: One run for each seed, at least one.
        settings: Settings by dotted name, without those in which the seeds may differ.
    """

    name: str
    runs: list[TestedRun]
    settings: dict[str, Any]

    @property
    def backbone(self) -> str:
        """The network's name in timm."""
        return str(self.settings["model.backbone"])

    @property
    def is_crossvalidation(self) -> bool:
        """Whether its photos were tested by the networks of several folds."""
        return bool(self.settings.get("data.folds")) and self.settings.get("data.fold") is None

    @property
    def seconds(self) -> float | None:
        """Mean training time of a run; None if no run noted it."""
        noted = [run.seconds for run in self.runs if run.seconds is not None]
        return sum(noted) / len(noted) if noted else None


def group_runs(runs: list[TestedRun]) -> list[Configuration]:
    """Group runs by configuration, in the order in which they were given.

    Of several runs with the same seed the last counts.

    Raises:
        UserError: Runs were tested on different photos, or for different classes.
    """
    _check_same_photos(runs)
    found: dict[str, Configuration] = {}
    for run, split in zip(runs, _given_splits(runs), strict=True):
        settings = {key: value for key, value in _flatten(run.settings).items() if not _is_ignored(key)}
        key = json.dumps(_whole_numbers_as_integers([settings, split]), sort_keys=True, default=str)
        found.setdefault(key, Configuration("", [], settings)).runs.append(run)
    return _with_names([replace(one, runs=_last_of_each_seed(one.runs)) for one in found.values()])


def _whole_numbers_as_integers(value: Any) -> Any:
    """Replace 1.0 by 1 in nested lists and dictionaries, as W&B's server does."""
    if isinstance(value, dict):
        return {str(key): _whole_numbers_as_integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_numbers_as_integers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _last_of_each_seed(runs: list[TestedRun]) -> list[TestedRun]:
    return list({run.settings.get("seed_everything"): run for run in runs}.values())


def different_settings(configurations: list[Configuration]) -> dict[str, list[Any]]:
    """Settings in which configurations differ, with the value of each; None where one has none."""
    keys = list(dict.fromkeys(key for configuration in configurations for key in configuration.settings))
    values = {key: [configuration.settings.get(key) for configuration in configurations] for key in keys}
    return {key: column for key, column in values.items() if any(value != column[0] for value in column)}


def _check_same_photos(runs: list[TestedRun]) -> None:
    photos = [frozenset(run.tested.paths.tolist()) for run in runs]
    ((usual, _),) = Counter(photos).most_common(1)
    reference = runs[photos.index(usual)]
    if others := [run for run, tested in zip(runs, photos, strict=True) if tested != usual]:
        first = frozenset(others[0].tested.paths.tolist())
        alone, lacking = sorted(first - usual), sorted(usual - first)
        # A cross-validation has no split of its own to give.
        split = f" (fit --data.split {reference.name}/{SPLIT_CSV})" if reference.split else ""
        raise UserError(
            f"{len(others)} of {len(runs)} runs were tested on other photos than {reference.name} ({len(usual)} photos): "
            f"{shortlist([run.name for run in others])}; {others[0].name} alone was tested on {len(alone)} "
            f"({shortlist(alone, 2) or 'none'}), and not on {len(lacking)} ({shortlist(lacking, 2) or 'none'}). A seed names the "
            f"split too, so train all of them with one split, every seed{split}, or compare cross-validations only, "
            "which test every photo"
        )
    for run in runs:
        same_classes = run.tested.classes == reference.tested.classes
        if not same_classes or not np.array_equal(run.tested.predictions.labels, reference.tested.predictions.labels):
            raise UserError(
                f"{run.name} and {reference.name} were tested on the same photos with different classes or labels; compare runs "
                "of one data folder"
            )


def _flatten(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"model.backbone": "resnet18", ...}``; lists stay whole."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            result |= _flatten(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    callbacks = result.get("trainer.callbacks")
    if isinstance(callbacks, list):  # one that only reports changes nothing about the training
        result["trainer.callbacks"] = [_with_new_name(one) for one in callbacks if REPORTING not in str(one)] or None
    return result


def _with_new_name(callback: Any) -> Any:
    if isinstance(callback, dict) and callback.get("class_path") == EARLY_STOPPING:
        return callback | {"class_path": f"{EARLY_STOPPING}AfterUnfreezing"}
    return callback


def _is_ignored(key: str) -> bool:
    return key in IGNORED_SETTINGS or key.startswith(IGNORED_PREFIXES)


def _given_splits(runs: list[TestedRun]) -> list[str | None]:
    """Digest of each run's split file; None if the seed made it and no other run was given it."""
    digests = [hashlib.sha256(run.split).hexdigest() if run.split else None for run in runs]
    given = {digest for digest, run in zip(digests, runs, strict=True) if run.settings["data"].get("split")}
    return [digest if digest in given else None for digest in digests]


def _with_names(configurations: list[Configuration]) -> list[Configuration]:
    """Name each by what differs for all: backbone, experiment, different settings, or folder."""
    different = different_settings(configurations)
    described = [
        " ".join(_describe_setting(key, column[index]) for key, column in different.items()) for index in range(len(configurations))
    ]
    candidates = [
        _backbone_names(configurations),
        [configuration.runs[0].experiment for configuration in configurations],
        [text if len(text) <= MAX_NAME_LENGTH else "" for text in described],
        _without_common_folder([configuration.runs[0].name for configuration in configurations]),
    ]
    names = next(column for column in candidates if len(set(column)) == len(column) and all(column))
    return [replace(configuration, name=name) for configuration, name in zip(configurations, names, strict=True)]


def _without_common_folder(paths: list[str]) -> list[str]:
    try:
        return [path.removeprefix(f"{commonpath(paths)}/") for path in paths]
    except ValueError:  # a run of W&B beside the absolute path of a folder
        return paths


def _backbone_names(configurations: list[Configuration]) -> list[str]:
    """Names of the networks; where some began with pretrained weights, the others are marked."""
    random = [not one.settings.get("model.pretrained", True) and not one.settings.get("model.weights") for one in configurations]
    if all(random):
        return [one.backbone for one in configurations]
    return [
        one.backbone + (" (random weights)" if is_random else "") for one, is_random in zip(configurations, random, strict=True)
    ]


def _describe_setting(key: str, value: Any) -> str:
    if key == "model.backbone":
        return str(value)
    return f"{key.rpartition('.')[2]} {f'{value:g}' if isinstance(value, float) else value}"
