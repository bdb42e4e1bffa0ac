"""Costs of a network counted on the meta device, so that they are the same on every machine."""

from dataclasses import dataclass

import timm
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import posture_classifier.models.backbones  # noqa: F401 - registers our networks with timm, and deformable convolutions' costs
from posture_classifier.costs.memory import FusedAttention, LiveMemory


@dataclass(frozen=True)
class Costs:
    """Costs of one network in fp32 at one input size.

    Attributes:
        image_size: Side of the square input in pixels.
        parameters: Number of parameters.
        multiply_adds: Multiply-adds of convolutions and matrix products in a forward pass of one
            photo; one is two FLOPs.
        activations: Elements that convolutions and matrix products write in that pass.
        bytes_on_disk: Bytes of the tensors in the state dict, parameters and buffers; the file's
            own header comes on top.
        inference_bytes: Peak memory of a forward pass of one photo, weights included.
        training_bytes: Peak memory of a training step of a batch: weights, gradients, AdamW's two
            moments, and activations.
        training_bytes_per_photo: Bytes that each further photo in the batch adds to that.
    """

    image_size: int
    parameters: int
    multiply_adds: int
    activations: int
    bytes_on_disk: int
    inference_bytes: int
    training_bytes: int
    training_bytes_per_photo: int


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
    network = build_network(name, image_size, torch.device("meta"), classes)
    shape = input_shape(name, image_size)
    state = network.state_dict().values()
    multiply_adds, activations, inference_bytes = forward_costs(network, shape)
    training_bytes = training_memory(network, (batch_size, *shape[1:]))
    return Costs(
        image_size=shape[-1],
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        multiply_adds=multiply_adds,
        activations=activations,
        bytes_on_disk=sum(tensor.numel() * tensor.element_size() for tensor in state),
        inference_bytes=inference_bytes,
        training_bytes=training_bytes,
        training_bytes_per_photo=(training_memory(network, (2 * batch_size, *shape[1:])) - training_bytes) // batch_size,
    )


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


def forward_costs(network: nn.Module, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Multiply-adds, activations and peak bytes of a forward pass in evaluation.

    Args:
        network: A network on the meta device.
        shape: Shape (B, C, H, W) of the input.
    """
    network.eval()
    images = torch.empty(shape, device="meta")
    memory = LiveMemory([*network.parameters(), *network.buffers(), images])
    flops = FlopCounterMode(display=False)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    network.requires_grad_(False)  # views of trained parameters, such as a class token's, stop the counter's own hooks
    with torch.no_grad(), FusedAttention(), memory, flops:
        network(images)
    for parameter in trained:
        parameter.requires_grad_()
    return flops.get_total_flops() // 2, memory.activations, memory.peak


def training_memory(network: nn.Module, shape: tuple[int, ...]) -> int:
    """Peak bytes of a training step in fp32 with AdamW, which has two moments for each weight.

    Args:
        network: A network on the meta device.
        shape: Shape (B, C, H, W) of the input.
    """
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
