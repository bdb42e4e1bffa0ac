"""Grad-CAM on what is known to decide, and on every family of networks."""

import pytest
import timm
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

import posture_classifier.models.backbones
from posture_classifier.models.grad_cam import FLAT, grad_cam, is_flat

assert posture_classifier.models.backbones, "imported for the names that it registers"


def planted(n: int, side: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Noise with a red or a blue square somewhere, which decides the class, and where it is."""
    generator = torch.Generator().manual_seed(seed)
    images, labels = torch.randn(n, 3, side, side, generator=generator) / 2, torch.arange(n) % 2
    inside = torch.zeros(n, side, side, dtype=torch.bool)
    square = side // 4
    for i, (top, left) in enumerate(torch.randint(0, side - square, (n, 2), generator=generator).tolist()):
        inside[i, top : top + square, left : left + square] = True
        colour = torch.tensor([2.0, -1, -1] if labels[i] else [-1.0, -1, 2])
        images[i][:, inside[i]] = colour[:, None]
    return images, labels, inside


def test_a_map_without_a_place_is_flat() -> None:
    """Nothing or nearly everything is lit; half of the positions, or a gradient, is a place."""
    maps = torch.zeros(5, 20, 20)
    maps[1, :10] = 1
    maps[2] = torch.linspace(0, 1, 400).view(20, 20)
    maps[3].view(-1)[: round(400 * FLAT)] = 0.5
    maps[4] = torch.linspace(0.6, 1, 400).view(20, 20)
    assert is_flat(maps).tolist() == [True, False, False, True, True]


@pytest.mark.parametrize(
    ("name", "side", "options", "steps"),
    [("cifar_resnet20", 32, {}, 24), ("test_vit", 96, {"img_size": 96}, 50)],
    ids=["convolutional", "transformer"],
)
def test_what_decides_lights_up(name: str, side: int, options: dict[str, int], steps: int) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=2, **options).train()
    images, labels, _ = planted(64, side, seed=0)
    optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
    for step in range(steps):
        batch = torch.arange(16) + 16 * (step % 4)
        optimizer.zero_grad()
        torch.autograd.backward(cross_entropy(network(images[batch]), labels[batch]))
        optimizer.step()

    images, labels, inside = planted(32, side, seed=1)
    before = {key: value.clone() for key, value in network.eval().state_dict().items()}
    with torch.no_grad():
        assert (network(images).argmax(1) == labels).float().mean() > 0.9, "it has learnt the shortcut"
    maps = grad_cam(network, images, labels)
    assert maps is not None
    brightest = inside.flatten(1).gather(1, maps.flatten(1).argmax(1, keepdim=True))
    assert brightest.float().mean() > 0.8, "the square covers a sixteenth of each picture"
    assert ((maps * inside).sum() / maps.sum()) > 3 * inside.float().mean()
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules()), "nothing is left in the network"


SLOW = [
    *(("alexnet", 224), ("deformable_resnet18", 224), ("deformable_resnet18_v2", 224), ("densenet121", 224), ("googlenet", 224)),
    *(("inception_v3_aux", 299), ("mixer_s32_224", 224), ("mobilenetv3_large_100", 224), ("nin", 224), ("seresnet50", 224)),
    *(("swin_tiny_patch4_window7_224", 224), ("vgg16", 224), ("deit_tiny_distilled_patch16_224", 224)),
]


@pytest.mark.parametrize(
    ("name", "side"),
    [
        *(("cifar_resnet20", 32), ("lenet5", 32), ("test_convnext", 160), ("test_efficientnet", 160), ("test_vit2", 160)),
        *(pytest.param(*case, marks=pytest.mark.slow) for case in SLOW),
    ],
)
def test_every_family_has_a_map(name: str, side: int) -> None:
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=3).eval()
    for parameter in network.parameters():
        if not parameter.any():  # some heads start at zero, and then nothing depends on anything
            torch.nn.init.normal_(parameter, std=0.02)
    maps = grad_cam(network, torch.randn(3, 3, side, side), torch.arange(3))
    assert maps is not None
    assert maps.shape == (3, side, side)
    assert maps.min() >= 0
    brightest = maps.amax((1, 2))
    assert ((brightest == 0) | ((brightest - 1).abs() < 1e-6)).all(), "nothing may speak for a class"
    assert brightest.any()


def test_a_network_without_places_has_no_map() -> None:
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))
    assert grad_cam(network, torch.randn(2, 3, 8, 8), torch.tensor([0, 1])) is None
