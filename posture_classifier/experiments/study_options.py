"""Checks on the options of a search by Optuna, before it begins."""

from jsonargparse import Namespace, capture_parser

from posture_classifier.experiments.search_options import SearchOptions, check_one_device
from posture_classifier.experiments.search_space import Range, check_space, corners, words
from posture_classifier.models.weights import hub_is_out_of_reach, weights_location, why_no_network
from posture_classifier.training.fit import PostureCLI
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

ENGINES = ("auto", "in_order")
GRID = ("backbones", "settings", "weights")
"""Options of a search without Optuna."""


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
    check_one_device(settings)
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
    for name in names:
        if (reason := why_no_network(name)) is not None:
            raise UserError(f"search.space: model.backbone: {name!r} is unknown to timm{reason}")
    if not settings.model.pretrained or settings.model.weights:
        return
    places = {name: weights_location(name) for name in names}
    away = [name for name, place in places.items() if place == "none" or (place != "here" and hub_is_out_of_reach())]
    if away:
        raise UserError(
            f"search.space: this machine can get no pretrained weights for {shortlist(away)}; leave them out of the choices, "
            "or set model.pretrained false for all"
        )


def check_values(common: list[str], space: dict[str, Range]) -> None:
    """Check that ``fit`` has these options, and takes the ends of each range and each choice.

    Args:
        common: Options of ``fit`` for all trainings.
        space: The ranges.

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
