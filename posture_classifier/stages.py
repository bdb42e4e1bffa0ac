"""The ordered stages of any backbone: the parts that are frozen and opened together."""

from typing import NamedTuple

from timm.models import group_parameters
from torch import nn


class Stage(NamedTuple):
    """A name for people, and the names of the parameters that open together."""

    name: str
    parameters: tuple[str, ...]


def stages(backbone: nn.Module) -> list[Stage]:
    """Partition the parameters of a timm model into stages, from input to output; the last one is the head.

    timm's own coarse grouping is used (``group_matcher``, as for its layer-wise learning-rate decay). Its last group often
    holds more than the classifier, so the parameters of ``get_classifier()`` are split out as the head.

    Raises:
        ValueError: The network has no classifier with parameters.
    """
    names = {id(parameter): name for name, parameter in backbone.named_parameters()}
    head = {names[id(p)] for module in _classifiers(backbone) for p in module.parameters()}
    if not head:
        raise ValueError(f"{type(backbone).__name__} has no classifier to train")
    body = [rest for group in _groups(backbone) if (rest := [name for name in group if name not in head])]
    classifier = [name for name in names.values() if name in head]
    *labels, _ = _names([*body, classifier])
    return [*map(Stage, labels, map(tuple, body)), Stage("head", tuple(classifier))]


def _classifiers(backbone: nn.Module) -> list[nn.Module]:
    """The classifier layers; distilled transformers have two."""
    classifier = backbone.get_classifier()  # type: ignore[operator]
    return list(classifier) if isinstance(classifier, tuple) else [classifier]


def _groups(backbone: nn.Module) -> list[list[str]]:
    """Parameter names grouped from input to output; each child is a group where timm knows no grouping."""
    if not hasattr(backbone, "group_matcher"):
        return [[f"{name}.{p}" for p, _ in child.named_parameters()] for name, child in backbone.named_children()]
    by_depth = group_parameters(backbone, backbone.group_matcher(coarse=True))  # type: ignore[operator]
    return [by_depth[depth] for depth in sorted(by_depth)]


def _names(groups: list[list[str]]) -> list[str]:
    """The shortest module path to each group's first parameter that no other group's shares: ``layer4``, ``blocks.2``."""
    paths = [group[0].split(".") for group in groups]
    return [".".join(next((p[:n] for n in range(1, len(p)) if sum(other[:n] == p[:n] for other in paths) == 1), p)) for p in paths]
