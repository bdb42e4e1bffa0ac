"""Options of a search beside those of ``fit``, and the checks on them, before it begins."""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace, capture_parser
from lightning.pytorch.cli import LightningArgumentParser

from posture_classifier.experiments.engines.choice import add_engine, check_engine, check_one_device
from posture_classifier.experiments.search_space import Range, check_space, corners, words
from posture_classifier.models.weights import hub_is_out_of_reach, weights_location, why_no_network
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

OF_STUDY = ("space", "trials", "prune_after", "storage")
"""Options of the section ``search`` that only a search by Optuna has."""
GRID = ("backbones", "settings", "weights")
"""Options that only a search without Optuna has."""
ENGINES = ("auto", "in_order")
"""Engines of a search by Optuna."""
ONE_DEVICE = "search trains each network"


@dataclass(frozen=True)
class SearchOptions:
    """What is tried; the section ``search`` beside the options of ``fit``.

    Args:
        backbones: Any model names of timm.
        seeds: Seeds of the new head, the order and the augmentation; ``seed_everything`` names the
            division of the photos, one for all.
        settings: Named sets of options of ``fit``, of which each is tried with each backbone;
            without them there are only the common ones.
        weights: Files to start from, by backbone.
        without_weights: What becomes of a backbone whose pretrained weights this machine cannot
            get: ``random`` trains it from random weights, ``skip`` leaves it out. Either way it is
            said.
        space: Ranges of any options of ``fit`` that Optuna proposes values from, in place of
            ``backbones``, ``seeds``, ``settings`` and ``weights``.
        trials: How many trainings Optuna proposes. A search that has ended goes on with more.
        prune_after: Epochs after which Optuna may stop a training that is worse than the median of
            those before; null stops none.
        storage: Where Optuna keeps its study: a folder, or the URL of a database; by default the
            folder of the search.
    """

    backbones: list[str] = field(default_factory=list)
    seeds: list[int] = field(default_factory=lambda: [0])
    settings: dict[str, dict[str, Any]] | None = None
    weights: dict[str, str] | None = None
    without_weights: Literal["random", "skip"] = "random"
    space: dict[str, Range] | None = None
    trials: int = 20
    prune_after: int | None = 3
    storage: str | None = None


class SearchCLI(PostureCLI):
    """The command line of ``fit`` with the section ``search`` and the choice of an engine."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add them to the options of ``fit``."""
        super().add_arguments_to_parser(parser)
        parser.add_class_arguments(SearchOptions, "search")
        add_engine(parser)


def check_search(settings: Namespace) -> SearchOptions:
    """Check what parsing cannot; returns the section ``search``.

    Raises:
        UserError: An option names something that does not exist, or that does not fit the others.
    """
    search = SearchOptions(**settings.search.as_dict())
    weights = search.weights or {}
    _check_networks("search.backbones", search.backbones)
    if not search.backbones or not search.seeds:
        raise UserError("search.backbones and search.seeds must name at least one each, or search.space what Optuna varies")
    if unused := sorted(set(weights) - set(search.backbones)):
        raise UserError(f"search.weights names {shortlist(unused)}, which search.backbones does not")
    if missing := [file for file in weights.values() if not Path(file).is_file()]:
        raise UserError(f"search.weights: {missing[0]} is not a file")
    # fit.yaml holds the common options.
    if wrong := [name for name in search.settings or {} if not re.fullmatch(r"[\w.]+", name) or name == "fit"]:
        raise UserError(f"search.settings: {wrong[0]!r} cannot name a folder; letters, digits and _ can")
    check_one_device(ONE_DEVICE, settings.trainer)
    check_engine(settings.engine, settings.trainer)
    return search


def _check_networks(option: str, names: list[str]) -> None:
    for name in names:
        if (reason := why_no_network(name)) is not None:
            raise UserError(f"{option}: {name!r} is unknown to timm{reason}")


def can_get_weights(backbone: str) -> bool:
    """Whether this machine has a backbone's pretrained weights, or can fetch them."""
    location = weights_location(backbone)
    return location == "here" or (location != "none" and not hub_is_out_of_reach())


def check_optuna() -> None:
    """Check that Optuna is there, before what imports it.

    Raises:
        UserError: It is not.
    """
    if find_spec("optuna") is None:
        raise UserError("search.space needs Optuna: pip install 'posture-classifier[search]'")


def check_study(settings: Namespace) -> dict[str, Range]:
    """Check what parsing cannot; returns the ranges.

    Raises:
        UserError: An option does not fit the others.
    """
    search = SearchOptions(**settings.search.as_dict())
    space = {name: values if isinstance(values, Range) else Range(**values) for name, values in (search.space or {}).items()}
    if given := [name for name in GRID if getattr(search, name)] + (["seeds"] if search.seeds != [0] else []):
        raise UserError(f"search.{given[0]} does not go with search.space; leave it out, or put a range of choices there")
    check_space(space)
    if search.trials < 1 or (search.prune_after is not None and search.prune_after < 1):
        raise UserError("search.trials must be at least 1, and search.prune_after at least 1 or null")
    check_one_device(ONE_DEVICE, settings.trainer)
    if settings.engine not in ENGINES:
        raise UserError(
            f"--engine {settings.engine} does not go with search.space; leave it out, and start the same command once for each GPU "
            "(CUDA_VISIBLE_DEVICES=0, =1 ...) or machine: all of them work on one study"
        )
    if settings.data.folds is not None and settings.data.fold is None:
        raise UserError("search.space chooses on the validation people of one division; leave data.folds out, or add data.fold")
    _check_backbones(settings, space)
    return space


def _check_backbones(settings: Namespace, space: dict[str, Range]) -> None:
    """Check that each network exists and has weights, if it is to have any."""
    names = [str(name) for name in space["model.backbone"].choices or []] if "model.backbone" in space else []
    _check_networks("search.space: model.backbone", names)
    if not settings.model.pretrained or settings.model.weights:
        return
    if away := [name for name in names if not can_get_weights(name)]:
        raise UserError(
            f"search.space: this machine can get no pretrained weights for {shortlist(away)}; leave them out of the choices, "
            "or set model.pretrained false for all"
        )


def check_values(common: list[str], space: dict[str, Range]) -> None:
    """Check that ``fit`` has these options, and takes the ends of each range and each choice.

    Raises:
        UserError: It does not.
    """
    parser = capture_parser(lambda: PostureCLI(["fit", *common]))
    for values in corners(space):
        try:
            settings = parser.parse_args(["fit", *common, *words(values)]).fit
        except UserError as error:
            raise UserError(f"search.space: {error}") from error
        # A command line takes the beginning of a name as well, and a section's name for a file.
        if unknown := [name for name in values if name not in settings or isinstance(settings[name], Namespace)]:
            raise UserError(f"search.space: {unknown[0]} is no option of fit; fit --help all lists them")
