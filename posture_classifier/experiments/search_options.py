"""Options of a search beside those of ``fit``, and the checks on them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jsonargparse import Namespace
from lightning.pytorch.cli import LightningArgumentParser

from posture_classifier.experiments.engines.choice import add_engine, check_engine
from posture_classifier.models.weights import why_no_network
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist


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
    """

    backbones: list[str]
    seeds: list[int] = field(default_factory=lambda: [0])
    settings: dict[str, dict[str, Any]] | None = None
    weights: dict[str, str] | None = None
    without_weights: Literal["random", "skip"] = "random"


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
        raise UserError("search.backbones and search.seeds must name at least one each")
    if unused := sorted(set(weights) - set(search.backbones)):
        raise UserError(f"search.weights names {shortlist(unused)}, which search.backbones does not")
    if missing := [file for file in weights.values() if not Path(file).is_file()]:
        raise UserError(f"search.weights: {missing[0]} is not a file")
    # fit.yaml holds the common options.
    if wrong := [name for name in search.settings or {} if not re.fullmatch(r"[\w.]+", name) or name == "fit"]:
        raise UserError(f"search.settings: {wrong[0]!r} cannot name a folder; letters, digits and _ can")
    if settings.trainer.strategy != "auto" or settings.trainer.num_nodes != 1:
        raise UserError("search trains each network on one device; leave trainer.strategy and num_nodes out")
    check_engine(settings.engine, settings.trainer)
    return search
