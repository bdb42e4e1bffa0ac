"""Finds the blocks of any network: the parts that its chain of layers can do without.

A block returns a tensor of the shape that it was given, so that the layers behind it run without it
too: a residual block, a transformer's block, a convolution that keeps the width. No list of classes
says what a block is; a forward pass does.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from posture_classifier.models.frozen_prefix import evaluation_mode, two_images
from posture_classifier.models.module_trace import Trace, trace_modules
from posture_classifier.models.stages import classifiers

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


class Block(NamedTuple):
    """A part of a network that can be deleted.

    Attributes:
        name: Name of its first module.
        modules: Names of the modules that are deleted together. There are several where a
            convolution stands in the chain by itself: its norm and activation go with it, or else
            the norm would be given what it was not trained on.
    """

    name: str
    modules: tuple[str, ...]


def find_blocks(network: nn.Module, image_size: int) -> list[Block]:
    """Find the blocks of a network in the order in which they run.

    Candidates are the links of its chain: the children of the network, of containers such as
    ``nn.Sequential``, and of modules that return what a link of theirs returned, as stages do; in a
    residual block an addition comes after it. Those that hold a matrix, and in a forward pass ran
    once and kept the shape, are blocks. Not among them are

    - blocks that change the shape, with a projection in the shortcut: without its residual branch
      such a block is another network's layer, and where the branch begins no forward pass tells;
    - DenseNet's layers, which add channels to what they are given;
    - the classifier, and what is inside of blocks.

    Example:
        >>> import timm
        >>> network = timm.create_model("resnet18", num_classes=2)
        >>> [block.name for block in find_blocks(network, 64)]
        ['layer1.0', 'layer1.1', 'layer2.1', 'layer3.1', 'layer4.1']
    """
    with evaluation_mode(network), torch.no_grad():
        trace = trace_modules(network, two_images(network, image_size), keep_returned=True)
    head = {id(module) for classifier in classifiers(network) for module in classifier.modules()}
    blocks = []
    for links in _chains("", network, trace):
        for place, (name, module) in enumerate(links):
            if id(module) not in head and _holds_matrix(module) and _keeps_shape(name, trace):
                followers = _followers(links[place + 1 :], trace) if not list(module.children()) else []
                blocks.append(Block(name, (name, *followers)))
    return sorted(blocks, key=lambda block: trace.calls[block.name].end)


def _chains(name: str, module: nn.Module, trace: Trace) -> Iterator[list[tuple[str, nn.Module]]]:
    """The links of a chain, and of the chains within it."""
    children = [(f"{name}.{child}".removeprefix("."), each) for child, each in module.named_children()]
    yield [(path, each) for path, each in children if not _is_chain(path, each, trace)]
    for path, each in children:
        if _is_chain(path, each, trace):
            yield from _chains(path, each, trace)


def _is_chain(name: str, module: nn.Module, trace: Trace) -> bool:
    """Whether a module is a container, or returns several tensors or what a link of it returned."""
    if isinstance(module, _CONTAINERS):
        return True
    if name not in trace.calls or not isinstance(returned := trace.returned[name][-1][0], Tensor):
        return bool(list(module.children()))
    links = [(path, link) for path, link in _links(name, module) if _holds_matrix(link) and list(link.children())]
    outputs = [output for path, _ in links for output in trace.returned.get(path, [])]
    return any(output is returned and version == returned._version for output, version in outputs)


def _links(name: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Children, and those of containers in the place of these."""
    for child, each in module.named_children():
        path = f"{name}.{child}"
        if isinstance(each, _CONTAINERS):
            yield from _links(path, each)
        else:
            yield path, each


def _holds_matrix(module: nn.Module) -> bool:
    """Whether it computes with more than vectors, of which norms and scales are made."""
    return any(parameter.ndim > 1 for parameter in module.parameters())


def _keeps_shape(name: str, trace: Trace) -> bool:
    return name in trace.calls and trace.calls[name].n_calls == 1 and trace.calls[name].keeps_shape


def _followers(links: list[tuple[str, nn.Module]], trace: Trace) -> list[str]:
    """Names of the norm and activation that come next in a chain."""
    followers = []
    for name, module in links:
        if _holds_matrix(module) or not _keeps_shape(name, trace):
            break
        followers.append(name)
    return followers
