"""Options of a search beside those of ``fit``, and the checks on them."""

import re
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from posture_classifier.experiments.engines.choice import add_engine, check_engine
from posture_classifier.experiments.search_space import Range
from posture_classifier.models.weights import why_no_network
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

OF_STUDY = ("space", "trials", "prune_after", "storage")
"""Options of the section ``search`` that only a search by Optuna has."""


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
    for name in search.backbones:
        if (reason := why_no_network(name)) is not None:
            raise UserError(f"search.backbones: {name!r} is unknown to timm{reason}")
    if not search.backbones or not search.seeds:
        raise UserError("search.backbones and search.seeds must name at least one each, or search.space what Optuna varies")
    if unused := sorted(set(weights) - set(search.backbones)):
        raise UserError(f"search.weights names {shortlist(unused)}, which search.backbones does not")
    if missing := [file for file in weights.values() if not Path(file).is_file()]:
        raise UserError(f"search.weights: {missing[0]} is not a file")
    # fit.yaml holds the common options.
    if wrong := [name for name in search.settings or {} if not re.fullmatch(r"[\w.]+", name) or name == "fit"]:
        raise UserError(f"search.settings: {wrong[0]!r} cannot name a folder; letters, digits and _ can")
    check_one_device(settings)
    check_engine(settings.engine, settings.trainer)
    return search


def check_one_device(settings: Namespace) -> None:
    """Check that each training is to have one device.

    Raises:
        UserError: It is not.
    """
    if settings.trainer.strategy != "auto" or settings.trainer.num_nodes != 1:
        raise UserError("search trains each network on one device; leave trainer.strategy and num_nodes out")


def check_optuna() -> None:
    """Check that Optuna is there, before what imports it.

    Raises:
        UserError: It is not.
    """
    if find_spec("optuna") is None:
        raise UserError("search.space needs Optuna: pip install 'posture-classifier[search]'")
