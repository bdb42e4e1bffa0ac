"""timm's networks with torchvision's weights answer what torchvision's networks answer."""

import re
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from torch import nn
from torchvision.models.convnext import CNBlockConfig

from posture_classifier.models.classifier import PostureClassifier
from posture_classifier.models.torchvision_weights import LARGE_EPSILON, NAMES, published_weights
from posture_classifier.models.weights import create_backbone, weights_location
from posture_classifier.utils.errors import UserError
from tests.helpers.networks import learn_statistics

FAST = ("mobilenetv2_100", "mobilenetv3_small_100", "regnetx_004_tv", "densenet121", "resnet18")
SLOW = (
    *("vgg11", "vgg16_bn", "densenet161", "efficientnet_b0", "efficientnet_b1", "efficientnet_b5", "mobilenetv3_large_100"),
    *("convnext_tiny", "convnext_base", "regnety_004", "regnety_008_tv", "regnety_016", "regnetx_032", "resnext50_32x4d"),
    *("vit_base_patch16_224", "vit_base_patch32_224", "swin_tiny_patch4_window7_224", "swin_small_patch4_window7_224"),
    *("alexnet", "wide_resnet50_2"),
)


def theirs(name: str) -> nn.Module:
    """Torchvision's own network, with random weights and statistics."""
    if name == "vit_tiny_patch16_224":
        network: nn.Module = torchvision.models.VisionTransformer(224, 16, 12, 3, 192, 768)
    elif name == "convnext_atto":
        sizes = ((40, 80, 2), (80, 160, 2), (160, 320, 6), (320, None, 2))
        network = torchvision.models.ConvNeXt([CNBlockConfig(*size) for size in sizes])
    else:
        network = torchvision.models.get_model(NAMES.get(name, name), weights=None)
    torch.manual_seed(0)
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        if name == "efficientnet_b5":  # so deep that it would overflow
            for module in network.modules():
                if isinstance(module, nn.BatchNorm2d):
                    nn.init.uniform_(module.weight, 0.1, 0.3)
                    nn.init.uniform_(module.running_var, 0.01, 0.1)  # type: ignore[arg-type]
        else:
            learn_statistics(network)
        return network.eval()
    with torch.no_grad():
        for parameter in network.parameters():  # some are nothing but zeros at first
            parameter.add_(torch.randn(parameter.shape), alpha=0.02 if parameter.any() else 0.1)
    return network.eval()


@pytest.mark.parametrize(
    "name", [*FAST, "vit_tiny_patch16_224", "convnext_atto", *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)]
)
def test_the_converted_network_answers_the_same(name: str, tmp_path: Path) -> None:
    original = theirs(name)
    # As a shuffled file: safetensors sorts names, and the order must not matter.
    state = dict(sorted(original.state_dict().items(), key=lambda item: item[0][::-1]))
    torch.save({"model": state}, tmp_path / "theirs.pth")
    network = create_backbone(name, 1000, weights=str(tmp_path / "theirs.pth"))[0].eval()
    side = 224 if name.startswith(("vgg", "vit", "swin", "alexnet")) else 96
    images = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():  # in double precision, since deep random networks magnify the last bit
        expected, found = original.double()(images.double()), network.double()(images.double())
    assert (expected[0] - expected[1]).abs().max() > 1e-3 * expected.abs().max(), "outputs depend on the image"
    # Another epsilon of BatchNorm goes into its variances, which are rounded to float32. If it did
    # not, the outputs would be 49 times as large.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3 * float(expected.abs().max()))


def test_every_name_is_a_network_of_both() -> None:
    for name, other in NAMES.items():
        assert timm.is_model(name)
        assert published_weights(name)[0].url.startswith("https://download.pytorch.org/models/"), other


def test_a_larger_epsilon_moves_into_the_variance(tmp_path: Path) -> None:
    assert LARGE_EPSILON.match("mobilenetv3_small_100")
    assert not LARGE_EPSILON.match("efficientnet_b0")
    original = theirs("mobilenetv3_small_100")
    torch.save(original.state_dict(), tmp_path / "theirs.pth")
    network = create_backbone("mobilenetv3_small_100", 2, weights=str(tmp_path / "theirs.pth"))[0]
    variance = dict(original.named_buffers())["features.0.1.running_var"]
    torch.testing.assert_close(dict(network.named_buffers())["bn1.running_var"], variance + (1e-3 - 1e-5))


def test_old_names_of_densenet_and_another_number_of_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As in ``densenet121-a639ec97.pth``, with ``norm.1`` where it is ``norm1`` today."""
    state = theirs("densenet121").state_dict()
    layer = re.compile(r"(denselayer\d+\.(?:norm|conv))([12])\.")
    old = {layer.sub(r"\1.\2.", key): value for key, value in state.items() if "num_batches" not in key}
    torch.save(old, tmp_path / "old.pth")
    network, _ = create_backbone("densenet121", 2, weights=str(tmp_path / "old.pth"))
    last = network.state_dict()["features.denseblock4.denselayer16.conv2.weight"]
    assert torch.equal(last, old["features.denseblock4.denselayer16.conv.2.weight"])
    assert "left out: 2 tensors (classifier.weight, classifier.bias)" in capsys.readouterr().out


def test_pixels_are_normalised_as_torchvision_does(tmp_path: Path) -> None:
    """timm's own weights for this transformer expect a mean of one half."""
    torch.save(theirs("vit_tiny_patch16_224").state_dict(), tmp_path / "theirs.pth")
    own = PostureClassifier(["a", "b"], backbone="vit_tiny_patch16_224", pretrained=False)
    converted = PostureClassifier(["a", "b"], backbone="vit_tiny_patch16_224", weights=str(tmp_path / "theirs.pth"))
    assert tuple(own.preprocessing.mean) == (0.5, 0.5, 0.5)
    assert tuple(converted.preprocessing.mean) == (0.485, 0.456, 0.406)
    assert tuple(converted.preprocessing.std) == (0.229, 0.224, 0.225)


@pytest.fixture
def no_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No cache of the hub and no way to it; returns torch's own cache."""
    monkeypatch.setattr("posture_classifier.models.weights.hub_is_out_of_reach", lambda: True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    (tmp_path / "torch" / "hub" / "checkpoints").mkdir(parents=True)
    return tmp_path / "torch" / "hub" / "checkpoints"


def test_a_file_in_torchs_cache_does_where_the_hub_is_out_of_reach(no_hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    original, file = theirs("resnet18"), no_hub / "resnet18-f37072fd.pth"
    torch.save(original.state_dict(), file)
    with pytest.raises(UserError, match="are damaged"):
        create_backbone("resnet18", 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("posture_classifier.models.weight_files.check_named", lambda path: None)  # it is no published one
        assert weights_location("resnet18") == "here"
        network, source = create_backbone("resnet18", 2)
    assert source == file.name
    assert torch.equal(network.state_dict()["layer4.1.conv2.weight"], original.state_dict()["layer4.1.conv2.weight"])
    assert str(file) in capsys.readouterr().out.replace("\n", "")


@pytest.mark.parametrize(("name", "versions"), [("resnet50", ["IMAGENET1K_V2", "IMAGENET1K_V1"]), ("resnet50.a1_in1k", [])])
def test_weights_of_another_training_are_not_taken_for_those_of_a_tag(name: str, versions: list[str]) -> None:
    assert [weights.name for weights in published_weights(name)] == versions


def test_without_any_the_message_names_the_file_to_fetch(no_hub: Path) -> None:
    with pytest.raises(UserError, match=r"--model.weights, such as https://download.pytorch.org/models/resnet18-f37072fd\.pth"):
        create_backbone("resnet18", 2)
