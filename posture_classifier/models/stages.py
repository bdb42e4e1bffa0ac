"""Divides any backbone into stages: groups of parameters that are frozen and opened together.

A stage means the same for every network: what computes maps of one size, about six in all with the
head, so that two open stages are much of a VGG as of an Inception-ResNet.
"""

from typing import Literal, NamedTuple

import numpy as np
from timm.models import group_parameters
from torch import nn

from posture_classifier.utils.errors import UserError

Granularity = Literal["coarse", "fine"]
USUAL = 5
"""Stages before the head: those of a network whose maps halve five times."""
LEAST_SIZES = 4
"""Fewest sizes of maps by which a network is divided."""


class Stage(NamedTuple):
    """A stage's name, as in tables and logs, and the names of its parameters."""

    name: str
    parameters: tuple[str, ...]


def stages(backbone: nn.Module, granularity: Granularity = "coarse") -> list[Stage]:
    """Partition the parameters of a timm model into stages from input to output, the head last.

    timm's own grouping is the start (``group_matcher``, as for its layer-wise learning-rate decay).
    Its last group often holds more than the classifier, so the parameters of ``get_classifier()``
    are split out as the head.

    Args:
        backbone: The network.
        granularity: ``fine`` keeps timm's groups, of which there are 5 to 46. ``coarse`` merges
            those that compute maps of one size (timm's ``feature_info``), or where that does not
            divide the network, equal shares of its depth. Layers after the last map, such as the
            fully connected ones of VGG, are a stage of their own; a norm is none. Five groups or
            fewer stay as they are.

    Raises:
        UserError: The network has no classifier with parameters.

    Example:
        >>> import timm
        >>> [stage.name for stage in stages(timm.create_model("resnet18"))]
        ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'head']
        >>> [stage.name for stage in stages(timm.create_model("vit_tiny_patch16_224"))]
        ['cls_token', 'blocks.2', 'blocks.5', 'blocks.8', 'blocks.10', 'head']
    """
    parameters = dict(backbone.named_parameters())
    head = {id(p) for module in classifiers(backbone) for p in module.parameters()}
    classifier = [name for name, parameter in parameters.items() if id(parameter) in head]
    if not classifier:
        raise UserError(f"{type(backbone).__name__} has no classifier to train; choose another backbone")
    groups = [[name for name in group if name not in classifier] for group in _groups(backbone)]
    # Parameters that timm's grouping leaves out (a class token, a position embedding) act at the
    # input.
    listed = {name for group in groups for name in group}
    groups[0] = [name for name in parameters if name not in listed and name not in classifier] + groups[0]
    body = [group for group in groups if group]
    if granularity == "coarse":
        body = _merged(backbone, body)
    *names, _ = _stage_names([*body, classifier])
    body_stages = [Stage(name, tuple(group)) for name, group in zip(names, body, strict=True)]
    return [*body_stages, Stage("head", tuple(classifier))]


def classifiers(backbone: nn.Module) -> list[nn.Module]:
    """The classifier layers; a distilled transformer has two."""
    classifier = backbone.get_classifier()  # type: ignore[operator]
    return list(classifier) if isinstance(classifier, tuple) else [classifier]


def _groups(backbone: nn.Module) -> list[list[str]]:
    """Parameter names grouped from input to output, by children if timm knows no grouping."""
    if hasattr(backbone, "group_matcher"):
        try:
            by_depth = group_parameters(backbone, backbone.group_matcher(coarse=True))  # type: ignore[operator]
            return [by_depth[depth] for depth in sorted(by_depth)]
        except AssertionError:  # some of timm's models only have fine groups
            pass
    return [[f"{name}.{p}" for p, _ in child.named_parameters()] for name, child in backbone.named_children()]


def _merged(backbone: nn.Module, groups: list[list[str]]) -> list[list[str]]:
    """Merge successive groups of parameters into a few that mean the same for every network."""
    groups = _without_norms(dict(backbone.named_parameters()), groups)
    if len(groups) <= USUAL:
        return groups
    levels = _levels(backbone, groups)
    if len(set(levels)) < LEAST_SIZES:
        levels = [number for number, share in enumerate(np.array_split(np.arange(len(groups)), USUAL)) for _ in share]
    merged: dict[int, list[str]] = {}
    for level, group in zip(levels, groups, strict=True):
        merged.setdefault(level, []).extend(group)
    return list(merged.values())


def _without_norms(parameters: dict[str, nn.Parameter], groups: list[list[str]]) -> list[list[str]]:
    """Let groups that hold vectors only, which are norms, join the group before them."""
    result = [list(groups[0])]
    for group in groups[1:]:
        if all(parameters[name].ndim < 2 for name in group):
            result[-1] += group
        else:
            result.append(list(group))
    return result


def _levels(backbone: nn.Module, groups: list[list[str]]) -> list[int]:
    """How far the map is reduced that each group leads to, as a number that never falls.

    Returns:
        One level for all where timm does not say.
    """
    order = {name: place for place, (name, _) in enumerate(backbone.named_modules())}
    info = getattr(backbone, "feature_info", None)
    features = [(feature["module"], feature["reduction"]) for feature in getattr(info, "info", info) or []]
    if any(module not in order for module, _ in features):
        return [0] * len(groups)
    ends = [max(place for name, place in order.items() if f"{name}.".startswith(f"{module}.")) for module, _ in features]
    sizes = sorted({reduction for _, reduction in features})
    levels = []
    for group in groups:
        # Parameters of the network itself, such as a position embedding, are at its input.
        begin = min((order[owner] for name in group if (owner := name.rpartition(".")[0])), default=0)
        reduction = next((reduction for end, (_, reduction) in zip(ends, features, strict=True) if begin <= end), None)
        levels.append(len(sizes) if reduction is None else sizes.index(reduction))
    result: list[int] = np.maximum.accumulate(levels).tolist()
    return result


def _stage_names(groups: list[list[str]]) -> list[str]:
    """Names of groups: the shortest unique beginning of the first parameter's name.

    For example ``layer4`` or ``blocks.2``.
    """
    paths = [group[0].split(".") for group in groups]
    names = []
    for path in paths:
        unique = (path[:n] for n in range(1, len(path)) if [other[:n] for other in paths].count(path[:n]) == 1)
        names.append(".".join(next(unique, path)))
    return names
