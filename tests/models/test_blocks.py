"""The blocks that are found in networks, and what these answer without them."""

import pytest
import torch
from torch import nn

from posture_classifier.models.block_deletion import can_grow, deleted, each_deleted, logits_without_blocks
from posture_classifier.models.blocks import Block, find_blocks
from posture_classifier.models.weights import create_backbone
from tests.helpers.networks import learn_statistics

BASIC = ["layer1.0", "layer1.1", "layer2.1", "layer3.1", "layer4.1"]
FOUND = {
    "resnet18": (64, BASIC),
    "tf_efficientnet_lite0": (64, [f"blocks.{n}" for n in ("1.1", "2.1", "3.1", "3.2", "4.1", "4.2", "5.1", "5.2", "5.3")]),
    "vit_tiny_patch16_224": (32, [f"blocks.{n}" for n in range(12)]),
    "convnext_atto": (64, [f"stages.{s}.blocks.{b}" for s, depth in enumerate((2, 2, 6, 2)) for b in range(depth)]),
    "regnetx_002": (64, ["s3.b2", "s3.b3", "s3.b4", *(f"s4.b{n}" for n in range(2, 8))]),
    "cifar_plain20": (32, [f"stage{n}" for n in ("1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2")]),
    "cifar_resnet20": (32, [f"stage{n}" for n in ("1.0", "1.1", "1.2", "2.1", "2.2", "3.1", "3.2")]),
    "densenet121": (64, []),
    "lenet5": (32, []),
}
"""Side in pixels, and names of the blocks."""


def network(name: str, size: int, head: str = "last_stage") -> nn.Module:
    backbone, _ = create_backbone(name, 3, pretrained=False, image_size=size, head=head)  # type: ignore[arg-type]
    return backbone.eval()


def without(backbone: nn.Module, block: Block, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad(), deleted(backbone, block):
        logits: torch.Tensor = backbone(images)
    return logits


@pytest.mark.parametrize("name", FOUND)
def test_blocks_are_found(name: str) -> None:
    size, expected = FOUND[name]
    found = find_blocks(network(name, size), size)
    assert [block.name for block in found] == expected
    assert [block.modules for block in found] == [(name,) for name in expected]


@pytest.mark.slow  # VGG's fully connected layers take seconds to draw
@pytest.mark.parametrize(("name", "followers"), [("vgg11", 1), ("vgg11_bn", 2)])
def test_a_convolution_takes_its_norm_and_activation_along(name: str, followers: int) -> None:
    found = find_blocks(network(name, 64), 64)
    firsts = {"vgg11": (8, 13, 16, 18), "vgg11_bn": (11, 18, 22, 25)}[name]
    assert [block.modules for block in found] == [tuple(f"features.{n + k}" for k in range(followers + 1)) for n in firsts]


def test_neither_the_classifier_nor_a_stage_is_a_block() -> None:
    """Both keep the shape here."""
    block = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())
    backbone = nn.Sequential(nn.Sequential(block), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    backbone.get_classifier = lambda: backbone[3]  # type: ignore[assignment]
    assert [found.modules for found in find_blocks(backbone, 8)] == [("0.0.0", "0.0.1", "0.0.2")]


def test_deleting_leaves_the_network_as_it_was() -> None:
    backbone = network("resnet18", 64)
    learn_statistics(backbone)  # timm's blocks add nothing at first
    state = {name: value.clone() for name, value in backbone.state_dict().items()}
    blocks = find_blocks(backbone, 64)
    assert backbone.training
    backbone.eval()
    images = torch.rand(2, 3, 64, 64)
    before = backbone(images)
    with deleted(backbone, blocks[0]):
        assert not torch.equal(backbone(images), before)
        assert backbone.state_dict().keys() == state.keys()
    with pytest.raises(ZeroDivisionError), each_deleted(backbone, blocks):
        raise ZeroDivisionError
    assert torch.equal(backbone(images), before)
    assert all(torch.equal(value, state[name]) for name, value in backbone.state_dict().items())
    assert not [module for module in backbone.modules() if "forward" in vars(module)]


def test_a_residual_block_that_adds_nothing_can_be_deleted() -> None:
    """Its last norm multiplies by zero, as at the start of many trainings."""
    backbone = network("resnet18", 64)
    learn_statistics(backbone)
    backbone.eval()
    images = torch.rand(2, 3, 64, 64)
    blocks = find_blocks(backbone, 64)
    for block in blocks:
        norm = backbone.get_submodule(block.name).bn2
        assert isinstance(norm, nn.BatchNorm2d)
        nn.init.zeros_(norm.weight)
        nn.init.zeros_(norm.bias)
    with torch.no_grad():
        whole = backbone(images)
    assert len(blocks) == 5
    for block in blocks:
        assert torch.equal(without(backbone, block, images), whole)


def test_a_plain_block_cannot() -> None:
    backbone = network("cifar_plain20", 32)
    learn_statistics(backbone)
    backbone.eval()
    images = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        whole = backbone(images)
    for block in find_blocks(backbone, 32):
        assert not torch.allclose(without(backbone, block, images), whole, rtol=0.01)


@pytest.mark.parametrize(
    ("name", "size", "head", "grows"),
    [
        ("test_resnet", 32, "last_stage", True),
        ("test_resnet", 32, "all_stages", False),  # it joins maps from before and after the blocks
        ("cifar_plain20", 32, "last_stage", True),
        ("vit_tiny_patch16_224", 32, "last_stage", True),
    ],
)
def test_all_deletions_at_once_are_those_one_by_one(name: str, size: int, head: str, grows: bool) -> None:
    backbone = network(name, size, head)
    blocks = find_blocks(backbone, size)
    assert can_grow(backbone, blocks, size) == grows
    images = torch.rand(5, 3, size, size)
    logits = logits_without_blocks(backbone, blocks, size, backbone, torch.split(images, 3))
    with torch.no_grad():
        expected = [backbone(images), *(without(backbone, block, images) for block in blocks)]
    assert len(blocks) >= 2
    torch.testing.assert_close(logits, torch.stack(expected), rtol=1e-3, atol=1e-4)


def test_a_norm_behind_a_deleted_convolution_leaves_its_rows_alone() -> None:
    """As in VGG with norms: several modules are deleted together."""
    layers = [(nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True)) for _ in range(3)]
    backbone = nn.Sequential(*(layer for each in layers for layer in each), nn.Flatten(), nn.Linear(3 * 64, 2))
    backbone.get_classifier = lambda: backbone[-1]  # type: ignore[assignment]
    learn = [norm for norm in backbone if isinstance(norm, nn.BatchNorm2d)]
    for norm in learn:
        nn.init.normal_(norm.bias)
    blocks = find_blocks(backbone.eval(), 8)
    assert [len(block.modules) for block in blocks] == [3, 3, 3]
    assert can_grow(backbone, blocks, 8)
