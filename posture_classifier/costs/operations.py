"""Costs of a network counted on the meta device, so that they are the same on every machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import timm
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import posture_classifier.models.backbones  # noqa: F401 - registers our networks with timm, and deformable convolutions' costs
from posture_classifier.costs.memory import FusedAttention, LiveMemory, ReadParameters


@dataclass(frozen=True)
class Costs:
    """Costs of one network in fp32 at one input size.

    Attributes:
        image_size: Side of the square input in pixels.
        parameters: Number of parameters that a forward pass in evaluation reads, as networks are
            published: GoogLeNet's 6.6 million are without its auxiliary classifiers.
        training_only_parameters: Number of the others; memory and disk have them, too.
        multiply_adds: Multiply-adds of convolutions and matrix products in a forward pass of one
            photo; one is two FLOPs.
        activations: Elements that convolutions and matrix products write in that pass.
        bytes_on_disk: Bytes of the tensors in the state dict, parameters and buffers; the file's
            own header comes on top.
        inference_bytes: Peak memory of a forward pass of one photo, weights included.
        batch_size: Photos in a batch.
        batch_inference_bytes: Peak memory of a forward pass of a batch, weights included.
        training_bytes: Peak memory of a training step of a batch: weights, gradients, AdamW's two
            moments, and activations. None where BatchNorm cannot learn from one photo, having maps
            of one pixel.
        training_bytes_per_photo: Bytes that each further photo in the batch adds to that; None
            where it is None.
    """

    image_size: int
    parameters: int
    training_only_parameters: int
    multiply_adds: int
    activations: int
    bytes_on_disk: int
    inference_bytes: int
    batch_size: int
    batch_inference_bytes: int
    training_bytes: int | None
    training_bytes_per_photo: int | None


class ForwardCosts(NamedTuple):
    """Costs of a forward pass in evaluation: numbers, but the peak of its memory in bytes."""

    parameters: int
    multiply_adds: int
    activations: int
    peak_bytes: int


def count_costs(name: str, image_size: int | None = None, batch_size: int = 32, classes: int | None = None) -> Costs:
    """Count what a network of timm's registry costs.

    Args:
        name: Any name that ``timm.create_model`` knows.
        image_size: Side in pixels; None is the network's own.
        batch_size: Photos in a training step.
        classes: Number of classes; None is the number that the network was published with.

    Raises:
        Exception: The network's own error about a size that it cannot take.

    Example:
        >>> count_costs("resnet18").parameters
        11689512
    """
    return count_batches(name, image_size, [batch_size], classes)[0]


def count_batches(name: str, image_size: int | None, batch_sizes: Sequence[int], classes: int | None = None) -> list[Costs]:
    """Count what a network costs in batches of several sizes; arguments are as ``count_costs``'s.

    Example:
        >>> [costs.batch_size for costs in count_batches("test_resnet", 64, [1, 8])]
        [1, 8]
    """
    network = build_network(name, image_size, torch.device("meta"), classes)
    shape = input_shape(name, image_size)
    n_parameters = sum(parameter.numel() for parameter in network.parameters())
    state = network.state_dict().values()
    photo = forward_costs(network, shape)

    # Batches often double: what is twice the one is the next.
    @cache
    def training(n_photos: int) -> int | None:
        try:
            return training_memory(network, (n_photos, *shape[1:]))
        except ValueError:
            if n_photos > 1:
                raise
            return None  # BatchNorm says so of a channel that has one value

    def training_per_photo(batch_size: int) -> int | None:
        one, two = training(batch_size), training(2 * batch_size)
        return None if one is None or two is None else (two - one) // batch_size

    return [
        Costs(
            image_size=shape[-1],
            parameters=photo.parameters,
            training_only_parameters=n_parameters - photo.parameters,
            multiply_adds=photo.multiply_adds,
            activations=photo.activations,
            bytes_on_disk=sum(tensor.numel() * tensor.element_size() for tensor in state),
            inference_bytes=photo.peak_bytes,
            batch_size=batch_size,
            batch_inference_bytes=forward_costs(network, (batch_size, *shape[1:])).peak_bytes,
            training_bytes=training(batch_size),
            training_bytes_per_photo=training_per_photo(batch_size),
        )
        for batch_size in batch_sizes
    ]


def build_network(name: str, image_size: int | None, device: torch.device, classes: int | None = None) -> nn.Module:
    """Build a network with random weights (on the meta device: none) on a device."""
    options = {"img_size": image_size} if image_size and timm.get_pretrained_cfg(name).fixed_input_size else {}
    options |= {"num_classes": classes} if classes else {}
    with device:
        network: nn.Module = timm.create_model(name, **options)
    return network


def input_shape(name: str, image_size: int | None) -> tuple[int, int, int, int]:
    """(1, channels, side, side) of the network's own input, or of another side."""
    channels, height, width = timm.get_pretrained_cfg(name).input_size
    return 1, channels, image_size or height, image_size or width


def forward_costs(network: nn.Module, shape: tuple[int, ...]) -> ForwardCosts:
    """Count what a network on the meta device costs in evaluation, for images (B, C, H, W)."""
    network.eval()
    images = torch.empty(shape, device="meta")
    memory = LiveMemory([*network.parameters(), *network.buffers(), images])
    flops = FlopCounterMode(display=False)
    read = ReadParameters(network.parameters())
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.requires_grad_(False)  # views of trained parameters, such as a class token's, stop the counter's own hooks
    with torch.no_grad(), FusedAttention(), memory, read, flops:
        network(images)
    for parameter in trained:
        parameter.requires_grad_()
    return ForwardCosts(read.count, flops.get_total_flops() // 2, memory.activations, memory.peak)


def training_memory(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Peak bytes of a step on images (B, C, H, W) in fp32 with AdamW, with two moments a weight."""
    network.train()
    images = torch.empty(shape, device="meta")
    labels = torch.zeros(shape[0], dtype=torch.long, device="meta")
    memory = LiveMemory([*network.parameters(), *network.buffers(), images, labels])
    with FusedAttention(), memory:
        outputs = network(images)
        heads = outputs if isinstance(outputs, (tuple, list)) else (outputs,)  # auxiliary classifiers are trained with it
        torch.autograd.backward([functional.cross_entropy(logits, labels) for logits in heads])
    moments = 2 * sum(p.numel() * p.element_size() for p in network.parameters() if p.requires_grad)
    network.zero_grad()
    return memory.peak + moments
