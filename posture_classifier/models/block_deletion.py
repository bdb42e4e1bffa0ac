"""What a network answers without one of its blocks (Veit, Wilber and Belongie 2016).

Source: "Residual Networks Behave Like Ensembles of Relatively Shallow Networks", section 4.1: a
deleted block of a residual network costs little, one of a plain network all that it has learnt.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from posture_classifier.models.blocks import Block
from posture_classifier.models.frozen_prefix import replaced_forward, return_input, two_images
from posture_classifier.models.parallel_forward import parallel_forward

Forward = Callable[[Tensor], Tensor]
"""A forward pass from a batch of B photos to logits (B, C)."""


@contextmanager
def deleted(network: nn.Module, block: Block) -> Iterator[None]:
    """Let a block return its input; afterwards the network is what it was.

    No module is swapped, so that the state dict stays as it is.

    Example:
        >>> from posture_classifier.models.blocks import find_blocks
        >>> from posture_classifier.models.weights import create_backbone
        >>> network, _ = create_backbone("cifar_plain14", n_classes=2, pretrained=False)
        >>> block, images = find_blocks(network.eval(), 32)[-1], torch.rand(4, 3, 32, 32)
        >>> whole = network(images)
        >>> with deleted(network, block):
        ...     block.name, torch.equal(network(images), whole)
        ('stage3.1', False)
        >>> torch.equal(network(images), whole)
        True
    """
    with ExitStack() as stack:
        for name in block.modules:
            stack.enter_context(replaced_forward(network.get_submodule(name), return_input))
        yield


@contextmanager
def each_deleted(network: nn.Module, blocks: Sequence[Block]) -> Iterator[None]:
    """Let one forward pass answer for the whole network and for it without each block.

    At every block the batch grows by the inputs that the block got for the whole network, and these
    rows go on beside the others. So what comes before a deleted block is computed once for all.

    Within the context the network gives, for images (B, 3, H, W), logits ((1 + n) * B, C): of the
    whole network, then without each of the n blocks in turn. Passes may run in several threads.

    Args:
        network: A network in evaluation mode, in which photos do not influence each other. Those
            that join maps from before and after a block cannot be computed like this.
        blocks: Its n blocks, in the order in which they run.
    """
    with ExitStack() as stack:
        for number, block in enumerate(blocks):
            for place, name in enumerate(block.modules):
                module = network.get_submodule(name)
                grown = _add_rows(module.forward, number + 1) if place == 0 else _pass_rows(module.forward, number + 2)
                stack.enter_context(replaced_forward(module, grown))
        yield


def _add_rows(forward: Callable[..., Tensor], n_copies: int) -> Callable[..., Tensor]:
    """Append the input of the first of ``n_copies`` equal parts of the batch to the output."""

    def grown(x: Tensor, *others: Any, **options: Any) -> Tensor:
        kept = x[: len(x) // n_copies].clone()  # some blocks work in place
        return torch.cat([forward(x, *others, **options), kept])

    return grown


def _pass_rows(forward: Callable[..., Tensor], n_copies: int) -> Callable[..., Tensor]:
    """Leave the last of ``n_copies`` equal parts of the batch as it is."""

    def grown(x: Tensor, *others: Any, **options: Any) -> Tensor:
        end = len(x) - len(x) // n_copies
        return torch.cat([forward(x[:end], *others, **options), x[end:]])

    return grown


@torch.no_grad()
def can_grow(network: nn.Module, blocks: Sequence[Block], image_size: int) -> bool:
    """Whether ``each_deleted`` gives what deleting the blocks one by one does."""
    images = two_images(network, image_size)
    try:
        with each_deleted(network, blocks):
            together = network(images)
    # Architectures raise all sorts of errors where rows of two places do not fit each other.
    except Exception:
        return False
    expected = torch.cat([network(images), *(_without(network, block, images) for block in blocks)])
    # Relative to the largest value: larger batches may be added up in another order.
    return together.shape == expected.shape and bool((together - expected).abs().max() <= 1e-4 * expected.abs().max())


def _without(network: nn.Module, block: Block, images: Tensor) -> Tensor:
    with deleted(network, block):
        logits: Tensor = network(images)
    return logits


def logits_without_blocks(
    network: nn.Module, blocks: Sequence[Block], image_size: int, forward: Forward, batches: Sequence[Tensor], passes: int = 1
) -> Tensor:
    """Logits (1 + n, N, C) of N photos: of the whole network, then without each of its n blocks.

    The network is in evaluation mode, and ``forward`` a forward pass with it.

    Example:
        >>> from posture_classifier.models.blocks import find_blocks
        >>> from posture_classifier.models.weights import create_backbone
        >>> network, _ = create_backbone("test_resnet", n_classes=2, pretrained=False)
        >>> blocks, batches = find_blocks(network.eval(), 32), [torch.rand(4, 3, 32, 32)] * 3
        >>> logits_without_blocks(network, blocks, 32, network, batches).shape
        torch.Size([3, 12, 2])
    """
    computed = torch.no_grad()(forward)  # which holds in the thread that it is called in
    if can_grow(network, blocks, image_size):
        with each_deleted(network, blocks):
            rows = parallel_forward(computed, batches, passes)
            return torch.cat([row.reshape(1 + len(blocks), -1, row.shape[1]) for row in rows], dim=1)
    every_logits = [torch.cat(list(parallel_forward(computed, batches, passes)))]
    for block in blocks:
        with deleted(network, block):
            every_logits.append(torch.cat(list(parallel_forward(computed, batches, passes))))
    return torch.stack(every_logits)
