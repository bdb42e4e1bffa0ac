"""What a search trains: every backbone, with every seed and named set of options, on one division of the photos."""

import json
import re
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, Literal

import timm
import yaml
from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from posture_classifier.data.folder import Photos
from posture_classifier.data.module import PostureData
from posture_classifier.data.split import write_split
from posture_classifier.models.weights import hub_is_out_of_reach, nearest_names, weights_location
from posture_classifier.runs.folder import make_numbered
from posture_classifier.training.fit import experiment_folder, experiment_name
from posture_classifier.training.fit_settings import SettingsOnly, fit_settings
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

PREFIX = "search"
PLAN = "plan.json"


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


def search_settings(options: list[str]) -> tuple[Namespace, str]:
    """Settings of ``fit`` and, in their section ``search``, of a search: as values, and as YAML.

    Raises:
        UserError: They are wrong, or do not fit each other.
    """
    settings, text = fit_settings(options, _SearchSettings)
    search = Search(**settings.search.as_dict())
    for name in search.backbones:
        if not timm.is_model(name):
            raise UserError(f"search.backbones: {name!r} is unknown to timm{nearest_names(name)}")
    if not search.backbones or not search.seeds:
        raise UserError("search.backbones and search.seeds must name at least one each")
    if unused := sorted(set(search.weights or {}) - set(search.backbones)):
        raise UserError(f"search.weights names {shortlist(unused)}, which search.backbones does not")
    if missing := [file for file in (search.weights or {}).values() if not Path(file).is_file()]:
        raise UserError(f"search.weights: {missing[0]} is not a file")
    if wrong := [name for name in search.settings or {} if not re.fullmatch(r"[\w.]+", name) or name == "fit"]:
        raise UserError(f"search.settings: {wrong[0]!r} cannot name a folder; letters, digits and _ can")
    if settings.trainer.strategy != "auto" or settings.trainer.num_nodes != 1:
        raise UserError("search trains each network on one device; leave trainer.strategy and num_nodes out")
    return settings, text


def plan(settings: Namespace, text: str) -> Path:
    """Make the folder of a search with all that its trainings are given, so that each is the same whenever it is started.

    Returns:
        The folder. Its ``plan.json`` holds the options of ``fit`` by the name of the folder that the run goes to, such as
        ``resnet18-seed_0``, and the backbones that this machine has no weights for: that may have changed when it goes on.

    Raises:
        UserError: The photos cannot be divided so, or nothing is left to train.
    """
    search = Search(**settings.search.as_dict())
    divisions = _divisions(settings)
    without = [name for name in search.backbones if not _has_weights(name, settings)]
    tried = [name for name in search.backbones if name not in without or search.without_weights == "random"]
    if not tried:
        raise UserError(f"search.without_weights skip leaves nothing: this machine can get no weights for {shortlist(without)}")
    folder = make_numbered(experiment_folder(settings), PREFIX)
    common = {key: value for key, value in yaml.safe_load(text).items() if key != "search"}
    for name, options in ({"fit": common} | (search.settings or {})).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(options, sort_keys=False, allow_unicode=True), encoding="utf-8")
    (folder / "splits").mkdir()
    for name, photos in divisions.items():
        write_split(photos, folder / "splits" / f"{name}.csv")
    trials: dict[str, list[str]] = {}
    for backbone, setting, seed, division in product(tried, search.settings or [None], search.seeds, divisions):
        trial = "-".join(part for part in (backbone, setting, f"seed_{seed}") if part)
        trial = f"{trial}/{division}" if len(divisions) > 1 else trial
        given = ["--config", str(folder / "fit.yaml"), *(["--config", str(folder / f"{setting}.yaml")] if setting else [])]
        given += ["--experiment", (Path(experiment_name(settings)) / folder.name / trial).as_posix()]
        given += ["--model.backbone", backbone, "--seed_everything", str(seed), "--trainer.devices", "1"]
        given += ["--data.split", str(folder / "splits" / f"{division}.csv")]
        given += [word for name in ("folds", "fold", "holdout_groups") for word in (f"--data.{name}", "null")]
        if backbone in without:
            given += ["--model.pretrained", "false"]
        if weights := (search.weights or {}).get(backbone):
            given += ["--model.weights", weights]
        if not settings.cache.keep:
            # One place for all, since photos are decoded, and frozen networks answer, alike in all runs.
            given += ["--cache.keep", "true", "--cache.folder", str(folder / "cache")]
        trials[trial] = given
    (folder / PLAN).write_text(json.dumps({"without_weights": without, "trials": trials}, indent=2), encoding="utf-8")
    return folder


def _divisions(settings: Namespace) -> dict[str, Photos]:
    """The photos divided for training and test, once or fold by fold, by name."""
    data = PostureData(**settings.data)
    if settings.data.folds is not None and settings.data.fold is None:
        return {f"fold_{number}": photos for number, photos in enumerate(data.every_fold())}
    if not data.has_test:
        raise UserError("search compares on test photos; set data.test_fraction above 0")
    return {"all": data.photos}


def _has_weights(name: str, settings: Namespace) -> bool:
    """Whether a backbone gets the weights that are wanted for it."""
    if name in (settings.search.weights or {}) or not settings.model.pretrained:
        return True
    where = weights_location(name)
    return where == "here" or (where != "none" and not hub_is_out_of_reach())
