"""What is compared: configurations, each with the runs of its seeds, all tested on the same photos."""

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

PLACES = ("seed_everything", "experiment", "data.split", "data.num_workers")
"""Settings that name a run, or say how fast and where it goes, but not what is trained."""
PLACE_PREFIXES = ("trainer.default_root_dir", "trainer.enable_", "trainer.logger", "trainer.devices", "cache.", "run_")
REPORTING = ".wandb_report."
LONGEST = 60
"""Characters of a name made of settings."""


@dataclass(frozen=True)
class Entry:
    """A configuration.

    Attributes:
        name: Short, and unlike the others'.
        runs: Of its seeds, at least one.
        settings: Flat, by dotted name, without those that all seeds need not share.
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
        """That training one of the runs took, in the mean; None if nothing was noted."""
        noted = [run.seconds for run in self.runs if run.seconds is not None]
        return sum(noted) / len(noted) if noted else None


def collect(runs: list[TestedRun]) -> list[Entry]:
    """Put the runs of one configuration together, in the order in which they were given; of the same seed, the last counts.

    Raises:
        UserError: Runs were tested on different photos, or for different classes.
    """
    _check_same_photos(runs)
    splits = _splits(runs)
    flat = [{key: value for key, value in _flat(run.settings).items() if not _is_place(key)} for run in runs]
    found: dict[str, list[int]] = {}
    for index, settings in enumerate(flat):
        found.setdefault(json.dumps(_as_whole([settings, splits[index]]), sort_keys=True, default=str), []).append(index)
    entries = [
        Entry(
            "",
            _of_each_seed([runs[i] for i in chosen]),
            {key: value for key, value in flat[chosen[0]].items() if not _is_place(key)},
        )
        for chosen in found.values()
    ]
    return _named(entries)


def _as_whole(value: Any) -> Any:
    """With 1 for 1.0, which is what W&B's server makes of it."""
    if isinstance(value, dict):
        return {key: _as_whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _of_each_seed(runs: list[TestedRun]) -> list[TestedRun]:
    return list({run.settings.get("seed_everything"): run for run in runs}.values())


def different_settings(entries: list[Entry]) -> dict[str, list[Any]]:
    """Settings that not all entries share, with the value of each entry; None where it has none."""
    keys = list(dict.fromkeys(key for entry in entries for key in entry.settings))
    values = {key: [entry.settings.get(key) for entry in entries] for key in keys}
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


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"model.backbone": "resnet18", ...}``; lists stay whole."""
    result: dict[str, Any] = {}
    for key, value in settings.items():
        result |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
    callbacks = result.get("trainer.callbacks")
    if isinstance(callbacks, list):  # one that reports elsewhere changes nothing here
        result["trainer.callbacks"] = [one for one in callbacks if REPORTING not in str(one)] or None
    return result


def _is_place(key: str) -> bool:
    return key in PLACES or key.startswith(PLACE_PREFIXES)


def _splits(runs: list[TestedRun]) -> list[str | None]:
    """What each run's split file holds; None where the seed names the split, unless another run was given that very split."""
    contents = [hashlib.sha256(run.split).hexdigest() if run.split else None for run in runs]
    given = {content for content, run in zip(contents, runs, strict=True) if run.settings["data"].get("split")}
    return [content if content in given else None for content in contents]


def _named(entries: list[Entry]) -> list[Entry]:
    """Name each by what tells it from the others: backbone, experiment, all settings that differ, or else its place."""
    unlike = different_settings(entries)
    described = [" ".join(_described(key, column[index]) for key, column in unlike.items()) for index in range(len(entries))]
    places = [entry.runs[0].name for entry in entries]
    candidates = [
        _backbones(entries),
        [entry.runs[0].experiment for entry in entries],
        [text if len(text) <= LONGEST else "" for text in described],
        _below_common(places),
    ]
    names = next(column for column in candidates if len(set(column)) == len(column) and all(column))
    return [replace(entry, name=name) for entry, name in zip(entries, names, strict=True)]


def _below_common(places: list[str]) -> list[str]:
    try:
        return [place.removeprefix(f"{commonpath(places)}/") for place in places]
    except ValueError:  # A run of W&B beside the absolute path of a folder.
        return places


def _backbones(entries: list[Entry]) -> list[str]:
    """Names of the networks; where some began with pretrained weights, it is said of the others that they did not."""
    random = [not entry.settings.get("model.pretrained", True) and not entry.settings.get("model.weights") for entry in entries]
    marks = [" (random weights)" if is_random and not all(random) else "" for is_random in random]
    return [entry.backbone + mark for entry, mark in zip(entries, marks, strict=True)]


def _described(key: str, value: Any) -> str:
    if key == "model.backbone":
        return str(value)
    return f"{key.rpartition('.')[2]} {f'{value:g}' if isinstance(value, float) else value}"
