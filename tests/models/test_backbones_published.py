"""Published facts about the architectures: parameters, cost, and outputs of the same weights."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError
from tests.helpers.networks import learn_statistics
from tests.helpers.program import REPOSITORY


def on_meta(name: str, **options: Any) -> nn.Module:
    """Shapes without values, made at once."""
    with torch.device("meta"):
        network: nn.Module = timm.create_model(name, **options)
    return network


def n_parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_adds(network: nn.Module, size: int = 224) -> dict[str, int]:
    """By module; one multiply-add is two FLOPs."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.empty(1, 3, size, size, device="meta"))
    return {path: sum(flops.values()) // 2 for path, flops in counter.get_flop_counts().items()}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        *(("alexnet", 61_100_840), ("alexnet_two_groups", 60_965_224), ("nin", 7_595_176)),
        *(("googlenet", 13_004_888), ("inception_v3_aux", 27_161_264)),
        *(("vgg11", 132_863_336), ("vgg13", 133_047_848), ("vgg16", 138_357_544), ("vgg19", 143_667_240)),
        *(("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032), ("resnet101", 44_549_160)),
        *(("resnet152", 60_192_808), ("densenet121", 7_978_856), ("densenet161", 28_681_000), ("densenet169", 14_149_480)),
        *(("densenet201", 20_013_928), ("seresnet50", 28_088_024), ("efficientnet_b0", 5_288_548)),
    ],
)
def test_parameters_at_1000_classes(name: str, published: int) -> None:
    assert n_parameters(on_meta(name)) == published


def test_parameters_of_googlenet_that_evaluation_needs() -> None:
    network: Any = on_meta("googlenet")
    assert n_parameters(network) - n_parameters(network.aux1) - n_parameters(network.aux2) == 6_624_904


def test_parameters_of_lenet5_by_layer() -> None:
    """Section II-B of the paper; the trained output layer is ours."""
    network = on_meta("lenet5", in_chans=1, num_classes=10)
    layers = {name: n_parameters(layer) for name, layer in network.named_children() if n_parameters(layer)}
    assert layers == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164, "fc": 850}
    assert n_parameters(network) == 60_000 + 850


@pytest.mark.parametrize(("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7)])
def test_parameters_of_cifar_resnets(depth: int, millions: float) -> None:
    """He et al. 2015, table 6.

    Identity shortcuts have no parameters, projections two 1x1 convolutions with BatchNorm.
    """
    network = on_meta(f"cifar_resnet{depth}")
    assert n_parameters(network) / 1e6 == pytest.approx(millions, abs=0.03 if depth == 110 else 0.005)
    assert n_parameters(on_meta(f"cifar_resnet{depth}_b")) - n_parameters(network) == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64
    if depth < 110:
        assert n_parameters(on_meta(f"cifar_plain{depth}")) == n_parameters(network)


def test_the_posture_projects_resnet() -> None:
    """Two blocks in each of three stages, and projections where the width changes."""
    network: Any = on_meta("cifar_resnet14_b")
    assert n_parameters(network) == 175_258
    assert [[block.conv2[0].out_channels for block in stage] for stage in (network.stage1, network.stage2, network.stage3)] == [
        *([16, 16], [32, 32], [64, 64])
    ]
    shortcuts = {path: layer.kernel_size for path, layer in network.named_modules() if path.endswith("shortcut.0")}
    assert shortcuts == {"stage2.0.shortcut.0": (1, 1), "stage3.0.shortcut.0": (1, 1)}
    assert "175,258 parameters" in timm.get_pretrained_cfg("cifar_resnet14_b").description


@pytest.mark.parametrize("name", [n for kind in ("resnet", "plain", "highway") for n in timm.list_models(f"cifar_{kind}*")])
def test_names_of_cifar_networks_count_layers_with_weights(name: str) -> None:
    layers = [
        path
        for path, layer in on_meta(name).named_modules()
        if isinstance(layer, (nn.Conv2d, nn.Linear)) and "gate" not in path and "shortcut" not in path
    ]
    assert len(layers) == int(re.findall(r"\d+", name)[0])


@pytest.mark.parametrize(
    ("name", "published"),
    [("alexnet", 0.714), ("vgg16", 15.47), ("googlenet", 1.498), ("resnet18", 1.814), ("resnet50", 4.089), ("densenet121", 2.834)],
)
def test_multiply_adds_at_224_pixels(name: str, published: float) -> None:
    assert multiply_adds(on_meta(name))["Global"] / 1e9 == pytest.approx(published, rel=0.01)


def test_reductions_make_every_inception_module_cheaper() -> None:
    """Szegedy et al. 2014, section 4: every naive module widens the input of the next one."""
    naive, reduced = multiply_adds(on_meta("googlenet_naive")), multiply_adds(on_meta("googlenet"))
    modules = [path for path in reduced if path.count(".") == 1 and "inception" in path]
    assert len(modules) == 9
    ratios = [naive[module] / reduced[module] for module in modules]
    assert min(ratios) > 1
    assert ratios == sorted(ratios), "the burden grows from module to module"


@pytest.fixture(scope="module")
def script() -> dict[str, Any]:
    """What ``benchmarks/inception.py`` defines."""
    return runpy.run_path(str(REPOSITORY / "benchmarks" / "inception.py"))


@pytest.mark.parametrize("table", ["modules_table", "reduction_table", "networks_table"])
def test_the_documentation_has_the_tables_that_are_counted(table: str, script: dict[str, Any]) -> None:
    page = (REPOSITORY / "docs" / "architectures.md").read_text(encoding="utf-8")
    assert "\n".join(["", *script[table](), ""]) in page


def test_a_1x1_convolution_saves_nine_tenths_of_a_5x5_one(script: dict[str, Any]) -> None:
    """163.8 against 16.4 million, not 4.3."""
    counts = [int(line.split("|")[2].replace(",", "")) for line in script["reduction_table"]()[2:]]
    positions = 32 * 32
    direct, reduction, narrow = positions * 200 * 25 * 32, positions * 200 * 16, positions * 16 * 25 * 32
    assert counts == [direct, reduction, narrow, reduction + narrow] == [163_840_000, 3_276_800, 13_107_200, 16_384_000]


def test_googlenet_computes_twice_what_alexnet_does_with_a_ninth_of_its_parameters() -> None:
    googlenet, alexnet = (multiply_adds(on_meta(name))["Global"] for name in ("googlenet", "alexnet"))
    assert googlenet / alexnet == pytest.approx(2.1, abs=0.05)
    assert n_parameters(on_meta("alexnet")) / 6_624_904 == pytest.approx(9.2, abs=0.05)


def test_a_deformable_convolution_is_counted() -> None:
    plain, deformable = (multiply_adds(on_meta(name))["Global"] for name in ("resnet18", "deformable_resnet18"))
    positions, samples, channels = 49, 9, (256, 512, 512, 512)
    assert deformable - plain == sum(positions * 9 * inputs * 2 * samples for inputs in channels)


@pytest.fixture
def torchvisions(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    options = {} if request.param == "alexnet" else {"init_weights": False, "aux_logits": request.param == "googlenet"}
    network: nn.Module = torchvision.models.get_model(request.param.split("_")[0], weights=None, **options)
    learn_statistics(network)
    return network.eval()


@pytest.mark.parametrize("torchvisions", ["alexnet", "googlenet", "googlenet_without_auxiliary"], indirect=True)
@torch.no_grad()
def test_weights_of_torchvision_give_torchvisions_outputs(torchvisions: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(torchvisions.state_dict(), path)
    name = type(torchvisions).__name__.lower()
    images = torch.rand(2, 3, 96, 96)
    expected = torchvisions(images)
    assert (expected[0] - expected[1]).abs().max() > 1e-4, "outputs depend on the image"
    loaded = create_backbone(name, 1000, weights=str(path))[0].eval()
    torch.testing.assert_close(loaded(images), expected, rtol=0, atol=1e-5)
    fetched = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(path)}).eval()
    assert torch.equal(fetched(images), loaded(images))
    new_head: Any = timm.create_model(name, pretrained=True, pretrained_cfg_overlay={"file": str(path)}, num_classes=2).eval()
    assert torch.equal(new_head.forward_features(images), loaded.forward_features(images))  # type: ignore[operator]
    assert new_head(images).shape == (2, 2)


@torch.no_grad()
def test_googlenet_normalises_as_its_weights_expect() -> None:
    """torchvision's network turns ImageNet's normalisation into another by itself."""
    network = torchvision.models.googlenet(weights=None, init_weights=False, transform_input=True)
    config = timm.get_pretrained_cfg("googlenet")
    image = torch.rand(1, 3, 8, 8)
    theirs = network._transform_input(normalise(image, IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD))
    torch.testing.assert_close(normalise(image, config.mean, config.std), theirs)


def normalise(image: Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    return (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]


def test_a_file_without_the_body_is_still_refused(tmp_path: Path) -> None:
    state = timm.create_model("googlenet", num_classes=2).state_dict()
    torch.save({name: value for name, value in state.items() if not name.startswith("inception5b")}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"googlenet.*inception5b"):
        create_backbone("googlenet", 2, weights=str(tmp_path / "w.pth"))


@pytest.mark.parametrize("name", ["lenet5", "nin", "googlenet_naive", "cifar_resnet20", "cifar_highway20"])
def test_what_has_no_pretrained_weights_says_so(name: str) -> None:
    with pytest.raises(UserError, match=name):
        create_backbone(name, 2)


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("alexnet", "https://download.pytorch.org/models/alexnet-"),
        ("googlenet", "https://download.pytorch.org/models/googlenet-"),
        ("inception_v3_aux", "timm/inception_v3.tv_in1k"),
        ("deformable_resnet18", "timm/resnet18."),
        ("deformable_resnet50_v2", "timm/resnet50."),
    ],
)
def test_pretrained_weights_come_from(name: str, start: str) -> None:
    config = timm.get_pretrained_cfg(name)
    assert config.has_weights
    assert (config.hf_hub_id or config.url).startswith(start)
