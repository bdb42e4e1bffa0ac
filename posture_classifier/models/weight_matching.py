"""Finds the tensors of a network in a file in which they may have other names."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from torch import Tensor, nn

from posture_classifier.models.stages import stages
from posture_classifier.models.torchvision_weights import expects_imagenet_pixels, from_torchvision
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist

State = dict[str, Tensor]
CONVERSIONS_OF_TIMM = ("checkpoint_filter_fn", "_filter_fn", "_filter_torchvision_pretrained")
"""Functions of timm's files that read what others have published: other names, and position
embeddings of another image size."""


class _Match(NamedTuple):
    """The tensors that fit a network, and the names of those that are missing and left out."""

    fitting: State
    missing: list[str]
    left_out: list[str]
    prefix: str = ""
    by_torchvision: bool = False


def load_state(backbone: nn.Module, name: str, state: State, source: Path) -> str | None:
    """Load all tensors, except that the head's may be missing or of another shape.

    The names in the file may begin with what wrappers add to them (``model.``, ``module.``,
    ``backbone.``), may be those of torchvision, or the numbers of the layers in an
    ``nn.Sequential`` of the network's children.

    A backbone's method ``no_pretrained``, like timm's ``no_weight_decay``, names further tensors
    that the weights may lack.

    Returns:
        What was found and what was left out, in a sentence; None if nothing was left out.

    Raises:
        UserError: Some are missing.
    """
    matches = _matches(backbone, name, state)
    best = next(matches)
    for match in matches:
        if not best.missing:
            break
        best = match if len(match.missing) < len(best.missing) else best
    if best.missing:
        raise UserError(
            f"{source} does not fit {name}: {len(best.missing)} of {len(backbone.state_dict())} tensors are missing or have "
            f"another shape ({shortlist(best.missing, 3)}); give weights of this very architecture"
        )
    backbone.load_state_dict(best.fitting, strict=False)
    if best.by_torchvision:
        expects_imagenet_pixels(backbone)
    outside = [key for key in state if not key.startswith(best.prefix)]
    left_out = outside + best.left_out
    if not left_out:
        return None
    below = f" below {best.prefix.removesuffix('.')}" if best.prefix else ""
    found = f"{len(best.fitting)} of {plural(len(backbone.state_dict()), 'tensor')} of {name} found{below}"
    return f"{source.name}: {found}; left out: {plural(len(left_out), 'tensor')} ({shortlist(left_out, 3)})"


def _matches(backbone: nn.Module, name: str, state: State) -> Iterator[_Match]:
    """What fits below each beginning of names, as it is and converted; the likeliest first."""
    least = len(list(backbone.parameters())) // 2
    for prefix in _prefixes(state, least):
        below = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
        yield _match(backbone, below, prefix)
        for by_torchvision, converted in _conversions(backbone, name, below):
            yield _match(backbone, converted, prefix, by_torchvision)


def _prefixes(names: Iterable[str], least: int) -> list[str]:
    """Beginnings up to a dot that at least so many names have, those of most names first."""
    counts: Counter[str] = Counter()
    for name in names:
        parts = name.split(".")
        counts.update("".join(f"{part}." for part in parts[:n]) for n in range(len(parts)))
    return [prefix for prefix, count in counts.most_common() if count >= least or not prefix]


def _conversions(backbone: nn.Module, name: str, state: State) -> Iterator[tuple[bool, State]]:
    """The state as torchvision, timm or ``nn.Sequential`` may have named it, and if torchvision."""
    module = import_module(timm.model_entrypoint(name).__module__)
    by_timm = [getattr(module, function) for function in CONVERSIONS_OF_TIMM if hasattr(module, function)]
    if renamed := from_torchvision(state, backbone, name):
        yield True, renamed
        yield from ((True, converted) for convert in by_timm for converted in _converted(convert, renamed, backbone))
    yield from ((False, converted) for convert in by_timm for converted in _converted(convert, state, backbone))
    if numbered := _by_number(state, backbone):
        yield False, numbered


def _converted(convert: Callable[..., Any], state: State, backbone: nn.Module) -> Iterator[State]:
    arguments = (dict(state), backbone) if convert.__name__ == "checkpoint_filter_fn" else (dict(state),)
    # Raised on files of other architectures.
    with suppress(AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError):
        yield convert(*arguments)


def _by_number(state: State, backbone: nn.Module) -> State:
    """The state of ``nn.Sequential(*network.children())``, whose names begin with numbers."""
    children = [name for name, _ in backbone.named_children()]
    parts = [(key.partition("."), value) for key, value in state.items()]
    if not all(first.isdecimal() and int(first) < len(children) for (first, _, _), _ in parts):
        return {}
    return {f"{children[int(first)]}.{rest}": value for (first, _, rest), value in parts}


def _match(backbone: nn.Module, state: State, prefix: str = "", by_torchvision: bool = False) -> _Match:
    own = backbone.state_dict()
    optional = {*stages(backbone)[-1].parameters, *getattr(backbone, "no_pretrained", set)()}
    fitting = {name: value for name, value in state.items() if name in own and _fits(value, own[name])}
    # Old files have no counter of batches, and nothing here reads it.
    missing = [name for name in own if name not in fitting and name not in optional and "num_batches_tracked" not in name]
    left_out = [f"{prefix}{name}" for name in state if name not in fitting]
    return _Match(fitting, missing, left_out, prefix, by_torchvision)


def _fits(value: Any, own: Tensor) -> bool:
    plain = isinstance(value, Tensor) and value.layout == torch.strided and not value.is_meta
    return plain and value.shape == own.shape
