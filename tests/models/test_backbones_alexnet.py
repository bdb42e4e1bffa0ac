"""AlexNet as its paper has it: two groups, response normalisation, and how it starts."""

from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn

from posture_classifier.costs.operations import count_costs
from posture_classifier.models.backbones.alexnet import ResponseNorm
from posture_classifier.models.weights import weights_location


@pytest.fixture(scope="module")
def network() -> Any:
    torch.manual_seed(0)
    return timm.create_model("alexnet_two_groups")


def normalised_as_in_the_paper(activations: Tensor) -> Tensor:
    """Section 3.3, for each channel i by itself."""
    n_channels = activations.shape[1]
    outputs = []
    for i in range(n_channels):
        neighbours = activations[:, max(0, i - 2) : min(n_channels - 1, i + 2) + 1]
        outputs.append(activations[:, i] / (2 + 1e-4 * neighbours.square().sum(1)) ** 0.75)
    return torch.stack(outputs, 1)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_response_normalisation_is_the_papers(memory_format: torch.memory_format) -> None:
    activations = (200 * torch.rand(2, 7, 3, 4, dtype=torch.float64)).contiguous(memory_format=memory_format)
    expected = normalised_as_in_the_paper(activations)
    torch.testing.assert_close(ResponseNorm()(activations), expected)
    assert (expected / activations).std() > 0.01, "the activations are large enough to tell the formulas apart"


def test_response_normalisation_of_large_activations_in_half_precision() -> None:
    """The square of 1,000 is infinite there."""
    activations = torch.full((1, 5, 2, 2), 1000.0)
    half = ResponseNorm()(activations.half())
    assert half.dtype == torch.float16
    torch.testing.assert_close(half.float(), ResponseNorm()(activations), rtol=1e-3, atol=0)


def test_two_groups_do_not_see_each_other_and_the_third_convolution_joins_them(network: Any) -> None:
    convolutions = [layer for layer in network.features if isinstance(layer, nn.Conv2d)]
    assert [layer.groups for layer in convolutions] == [1, 2, 1, 2, 2]
    assert [layer.out_channels for layer in convolutions] == [96, 256, 384, 384, 256]


def test_what_two_groups_save(network: Any) -> None:
    """Half of the weights and multiply-adds of three convolutions."""
    grouped = [layer for layer in network.features if isinstance(layer, nn.Conv2d) and layer.groups == 2]
    assert [layer.weight.numel() for layer in grouped] == [307_200, 663_552, 442_368]
    assert [layer.in_channels * layer.weight[:, 0].numel() for layer in grouped] == [614_400, 1_327_104, 884_736]
    multiply_adds = sum(layer.weight.numel() * side**2 for layer, side in zip(grouped, (27, 13, 13), strict=True))
    assert multiply_adds == 410_849_280


def test_normalisation_stands_between_rectifier_and_overlapping_pooling_of_the_first_two(network: Any) -> None:
    kinds = {nn.Conv2d: "conv", nn.ReLU: "relu", ResponseNorm: "norm", nn.MaxPool2d: "pool"}
    layers = " ".join(kinds[type(layer)] for layer in network.features)
    assert layers == "conv relu norm pool conv relu norm pool conv relu conv relu conv relu pool"
    assert {(layer.kernel_size, layer.stride) for layer in network.features if isinstance(layer, nn.MaxPool2d)} == {(3, 2)}


def test_multiply_adds_are_those_of_the_literature() -> None:
    """Sze et al. 2017, "Efficient Processing of Deep Neural Networks", table II: 724 M."""
    costs = count_costs("alexnet_two_groups")
    assert (costs.image_size, costs.parameters, costs.multiply_adds) == (227, 60_965_224, 724_406_816)


def test_it_starts_as_in_section_5(network: Any) -> None:
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Conv2d, nn.Linear))]
    for layer, bias in zip(layers, (0, 1, 0, 1, 1, 1, 1, 0), strict=True):
        assert layer.bias is not None
        assert set(layer.bias.tolist()) == {bias}
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.03)
        assert abs(layer.weight.mean().item()) < 2e-4


@torch.no_grad()
def test_pixels_are_scaled_as_its_start_presumes(network: Any) -> None:
    """From 0 to 255, less the mean; scaled to deviation 1 they would hardly tell photos apart."""
    config = timm.get_pretrained_cfg("alexnet_two_groups")
    pixels = torch.rand(2, 3, 227, 227)
    mean, std = (torch.tensor(values)[:, None, None] for values in (config.mean, config.std))
    images = (pixels - mean) / std
    torch.testing.assert_close(images, 255 * pixels - 255 * mean)
    maps, weaker = (network.eval().forward_features(x) for x in (images, (pixels - mean) / 0.226))
    assert maps.shape == (2, 256, 6, 6)
    assert (maps[0] - maps[1]).std() > 5 * (weaker[0] - weaker[1]).std()


def test_no_published_weights_are_claimed() -> None:
    assert weights_location("alexnet_two_groups") == "none"
