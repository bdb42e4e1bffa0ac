"""Divides any backbone into stages: groups of parameters that are frozen and opened together."""

from typing import NamedTuple

from timm.models import group_parameters
from torch import nn

from posture_classifier.utils.errors import UserError


class Stage(NamedTuple):
    """A stage's name, as in tables and logs, and the names of its parameters."""

    name: str
    parameters: tuple[str, ...]


def stages(backbone: nn.Module) -> list[Stage]:
    """Partition the parameters of a timm model into stages from input to output, the head last.

    timm's own coarse grouping is used (``group_matcher``, as for its layer-wise learning-rate
    decay). Its last group often holds more than the classifier, so the parameters of
    ``get_classifier()`` are split out as the head.

    Raises:
        UserError: The network has no classifier with parameters.

    Example:
        >>> import timm
        >>> [stage.name for stage in stages(timm.create_model("resnet18"))]
        ['conv1', 'layer1', 'layer2', 'layer3', 'layer4', 'head']
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
