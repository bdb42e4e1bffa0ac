"""Builds the network of a checkpoint, once what the checkpoint says of it has been checked."""

from collections.abc import Iterable
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import timm
import torch
from pydantic import Field
from torch import Tensor, nn

from posture_classifier.images.preprocessing import Preprocessing
from posture_classifier.models.arguments import check_ranges
from posture_classifier.models.checkpoint import EVALUATION, damaged
from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.familiarity import FamiliarityDistance
from posture_classifier.models.head_features import count_features
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, printable, shortlist
from posture_classifier.utils.validation import mismatch

WRITTEN = {
    "class_names": Annotated[list[str], Field(min_length=1)],
    "backbone": str,
    "preprocessing": dict[str, Any],
    "weights_source": str,
}
"""Arguments of the model that every checkpoint has, although a caller may leave some out."""
RANGES = {
    "class_counts": list[Annotated[int, Field(ge=1, le=10**9)]] | None,
    "class_weights": Literal["balanced"] | list[Annotated[float, Field(ge=0, le=1e9)]] | None,
}
"""Types of arguments of the model that say more than its signature."""
DEFAULTS = {name: parameter.default for name, parameter in signature(PostureClassifier).parameters.items()}
"""Arguments of the model that nobody gave."""
FORMER = {"stages": "fine"}
"""What arguments amounted to before they existed, where that is not their default."""
SMALLEST_VALUE = 2
"""Fewest bytes in which a run saves a parameter."""


def restore_model(path: Path, checkpoint: dict[str, Any]) -> PostureClassifier:
    """Build the network of what ``read_checkpoint`` returned, with its weights; nothing is fetched.

    Raises:
        UserError: The checkpoint describes no network, or not the one that its weights belong to.
    """
    model = PostureClassifier(**read_arguments(path, checkpoint))
    check_weights(path, checkpoint, model)
    model.load_state_dict(checkpoint["state_dict"])
    return model


def restore_familiarity(path: Path, content: dict[str, Any], model: PostureClassifier) -> FamiliarityDistance | None:
    """The distance from the training photos that a checkpoint holds; None if it holds none.

    Raises:
        UserError: It is not one of this network's features.
    """
    stored = content.get(EVALUATION, {}).get("familiarity")
    if stored is None:
        return None
    try:
        familiarity = FamiliarityDistance(stored["reference"])
    except ValueError as error:
        raise damaged(path, f"{EVALUATION}.familiarity.reference: {error}") from error
    if familiarity.n_features != count_features(model.backbone):
        raise damaged(path, f"{EVALUATION}.familiarity.reference is of {familiarity.n_features} features, and the head sees others")
    return familiarity


def read_arguments(path: Path, checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``PostureClassifier`` in a checkpoint, complete and of the right types.

    An argument that did not exist when the checkpoint was written has what it amounted to then.

    Raises:
        UserError: One is missing, unknown or of another type, or the network is far larger than the
            file, so that it would fill the memory.
    """
    written = checkpoint.get("hyper_parameters")
    if written is None:
        raise damaged(path, "it has no hyper_parameters")
    types = get_type_hints(PostureClassifier.__init__) | WRITTEN | RANGES
    missing, unknown = WRITTEN.keys() - written.keys(), written.keys() - types.keys()
    if missing or unknown:
        raise damaged(path, f"hyper_parameters {'lack' if missing else 'have the unknown'} {_some(missing or unknown)}")
    for name, value in written.items():
        if reason := mismatch(value, types[name]):
            raise damaged(path, f"hyper_parameters.{name}: {reason}")
    arguments: dict[str, Any] = DEFAULTS | FORMER | written
    if reason := _contradiction(arguments):
        raise damaged(path, f"hyper_parameters: {reason}")
    _check_size(path, arguments["backbone"], len(arguments["class_names"]))
    return arguments


def _contradiction(arguments: dict[str, Any]) -> str | None:
    """Say which arguments are out of range, or do not fit each other."""
    try:
        check_ranges(**{name: arguments[name] for name in signature(check_ranges).parameters})
        preprocessing = Preprocessing.from_dict(arguments["preprocessing"])
    except UserError as error:
        return str(error)
    names, counts = arguments["class_names"], arguments["class_counts"]
    if len(set(names)) < len(names):
        return "class_names has a name twice"
    if counts is not None and len(counts) != len(names):
        return f"class_counts has {len(counts)} values for {plural(len(names), 'class', 'classes')}"
    if arguments["image_size"] not in (None, preprocessing.image_size):
        return f"image_size is {arguments['image_size']}, but preprocessing.image_size {preprocessing.image_size}"
    return None


def _check_size(path: Path, backbone: str, n_classes: int) -> None:
    """Refuse a network that is larger than the file it is read from, before memory is taken."""
    if not timm.is_model(backbone):
        return  # building it says so
    with torch.device("meta"):  # names and shapes, without values
        network = timm.create_model(backbone, num_classes=n_classes)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if parameters * SMALLEST_VALUE > path.stat().st_size:
        raise damaged(path, f"its network, {printable(backbone)} with {n_classes} classes, is larger than the whole file")


def check_weights(path: Path, checkpoint: dict[str, Any], model: nn.Module) -> None:
    """Compare the weights of a checkpoint with the network that they are for.

    Raises:
        UserError: Some are missing, unknown, of another shape or type, or no numbers.
    """
    state, wanted = checkpoint.get("state_dict"), model.state_dict()
    if state is None:
        raise damaged(path, "it has no state_dict")
    for what, names in (("lacks", wanted.keys() - state.keys()), ("has unknown", state.keys() - wanted.keys())):
        if names:
            raise damaged(path, f"its state_dict {what} {plural(len(names), 'tensor')}: {_some(names)}")
    for name, value in wanted.items():
        if reason := difference(state[name], value):
            raise damaged(path, f"state_dict.{name} {reason}")


def difference(found: Tensor, expected: Tensor) -> str | None:
    """Say why a tensor of a checkpoint cannot replace one of the program's own; None if it can."""
    if found.layout != torch.strided or found.is_meta or found.is_quantized:
        return "has no plain values"
    if found.shape != expected.shape:
        return f"is {_shape(found)}, but should be {_shape(expected)}"
    both_float = found.is_floating_point() and expected.is_floating_point()  # with trainer.precision 64-true, for one
    if not both_float and found.dtype != expected.dtype:
        return f"is of type {found.dtype}, but should be {expected.dtype}"
    if both_float and not found.isfinite().all():
        return "holds values that are not finite"
    return None


def _some(names: Iterable[str]) -> str:
    return printable(shortlist(sorted(names), 3))[:200]


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"
