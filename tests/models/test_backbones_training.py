"""How architectures with offsets or auxiliary classifiers start and train."""

from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import timm
import torch
from torch import Tensor, nn

from posture_classifier.callbacks.progressive_unfreezing import set_modes
from posture_classifier.models.batch import Batch
from posture_classifier.models.classifier import AUXILIARY_WEIGHT, PostureClassifier
from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError
from tests.helpers.callbacks import RECORD, Recorder, moved
from tests.helpers.networks import learn_statistics
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, fit_arguments, run_program

DEFORMABLE = [f"deformable_resnet{depth}{version}" for depth in (18, 34, 50) for version in ("", "_v2")]


def plain_resnet(name: str, n_classes: int = 3) -> nn.Module:
    torch.manual_seed(0)
    plain = name.removeprefix("deformable_").removesuffix("_v2")
    network: nn.Module = timm.create_model(plain, num_classes=n_classes)
    learn_statistics(network)
    return network


@pytest.mark.parametrize("name", DEFORMABLE)
def test_a_deformable_resnet_starts_as_the_plain_one_and_then_moves(name: str, tmp_path: Path) -> None:
    plain, images = plain_resnet(name).eval(), torch.rand(2, 3, 64, 64)
    torch.save(plain.state_dict(), tmp_path / "resnet.pth")
    network = create_backbone(name, 3, weights=str(tmp_path / "resnet.pth"))[0].eval()
    expected = plain(images)
    torch.testing.assert_close(network(images), expected, rtol=0, atol=1e-4)
    assert (expected[0] - expected[1]).abs().max() > 1e-3, "outputs depend on the image"

    offsets = {key: parameter for key, parameter in network.named_parameters() if ".offset." in key}
    assert {key.split(".")[0] for key in offsets} == ({"layer2", "layer3", "layer4"} if "_v2" in name else {"layer4"})
    assert not any(parameter.any() for parameter in offsets.values())
    nn.functional.cross_entropy(network(images), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD(network.parameters(), lr=0.01).step()
    assert all(parameter.any() for key, parameter in offsets.items() if key.endswith("weight"))


@torch.no_grad()
def test_offsets_shift_what_the_convolution_sees() -> None:
    network: Any = timm.create_model("deformable_resnet18", num_classes=2)
    layer = network.layer4[0].conv2
    x = torch.rand(1, 512, 6, 6)
    centre = layer(x)
    layer.offset.bias[1::2] = 1.0  # one pixel to the right
    torch.testing.assert_close(layer(x)[..., 1:-2], centre[..., 2:-1])


@torch.no_grad()
def test_modulation_weighs_samples() -> None:
    network: Any = timm.create_model("deformable_resnet18_v2", num_classes=2)
    layer = network.layer4[0].conv2
    x = torch.rand(1, 512, 6, 6)
    plain = layer(x)
    layer.offset.bias[18:] = -100.0
    assert plain.abs().max() > 0.1
    assert layer(x).abs().max() < 1e-6


def test_the_hubs_weights_of_the_plain_resnet_fill_the_deformable_one(tmp_path: Path) -> None:
    plain = plain_resnet("resnet18", 1000)
    torch.save(plain.state_dict(), tmp_path / "hub.pth")
    source = {"file": str(tmp_path / "hub.pth")}
    for n_classes in (1000, 2):
        network = timm.create_model("deformable_resnet18_v2", pretrained=True, pretrained_cfg_overlay=source, num_classes=n_classes)
        state = network.state_dict()
        assert all(torch.equal(state[key], value) for key, value in plain.state_dict().items() if not key.startswith("fc."))
        assert not any(value.any() for key, value in state.items() if ".offset." in key)


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_deformable_convolutions_train_in_half_precision(precision: torch.dtype) -> None:
    network: Any = timm.create_model("deformable_resnet18", num_classes=2, zero_init_last=False)
    with torch.autocast("cpu", precision):
        network(torch.rand(2, 3, 64, 64)).sum().backward()
    assert network.layer4[0].conv1.offset.weight.grad.any()


SIZES = {"googlenet": 32, "googlenet_naive": 32, "inception_v3_aux": 96, "deformable_resnet18_v2": 64, "cifar_highway20": 32}


@pytest.mark.parametrize("name", SIZES)
def test_in_every_phase_exactly_the_open_parameters_get_a_gradient(name: str) -> None:
    """Several devices wait forever for the gradient of an open parameter that is not used."""
    model = PostureClassifier(["a", "b"], backbone=name, pretrained=False, image_size=SIZES[name])
    parameters = dict(model.backbone.named_parameters())
    batch = Batch(torch.rand(2, 3, SIZES[name], SIZES[name]), torch.tensor([0, 1]), torch.tensor([0, 1]))
    for n_open in range(1, len(model.stages) + 1):
        wanted = {key for stage in model.stages[-n_open:] for key in stage.parameters}
        for key, parameter in parameters.items():
            parameter.requires_grad = key in wanted
        set_modes(model.backbone, training=True, keep_statistics=False)
        model.zero_grad()
        with mock.patch.object(model, "log"):
            model.training_step(batch, 0).backward()  # type: ignore[no-untyped-call]
        assert {key for key, parameter in parameters.items() if parameter.grad is not None} == wanted


@pytest.mark.parametrize(("name", "auxiliary"), [("googlenet", ("aux1", "aux2")), ("inception_v3_aux", ("AuxLogits",))])
def test_auxiliary_classifiers_open_with_what_they_hang_on_and_are_silent_before(name: str, auxiliary: tuple[str, ...]) -> None:
    model = PostureClassifier(["a", "b"], backbone=name, pretrained=False)
    body = {"googlenet": "inception4a", "inception_v3_aux": "Mixed_6e"}[name]
    (depth,) = (depth for depth, stage in enumerate(model.stages) if any(name.startswith(f"{body}.") for name in stage.parameters))
    parameters = dict(model.backbone.named_parameters())
    assert {key for key in parameters if key.startswith(auxiliary)} <= set(model.stages[depth].parameters)
    images = torch.rand(2, 3, SIZES[name], SIZES[name])
    for first_open, n_outputs in ((depth + 1, 1), (depth, 1 + len(auxiliary))):
        wanted = {key for stage in model.stages[first_open:] for key in stage.parameters}
        for key, parameter in parameters.items():
            parameter.requires_grad = key in wanted
        set_modes(model.backbone, training=True, keep_statistics=False)
        assert model.backbone.training
        outputs = model(images)
        assert (1 if isinstance(outputs, Tensor) else len(outputs)) == n_outputs


def test_each_auxiliary_loss_counts_three_tenths() -> None:
    model = PostureClassifier(["a", "b"], backbone="googlenet", pretrained=False, image_size=32).train()
    batch = Batch(torch.rand(2, 3, 32, 32), torch.tensor([0, 1]), torch.tensor([0, 1]))
    outputs: list[Tensor] = []
    hook = model.backbone.register_forward_hook(lambda module, inputs, output: outputs.extend(output))
    with mock.patch.object(model, "log"):
        loss = model.training_step(batch, 0)
    hook.remove()
    main, second, first = (nn.functional.cross_entropy(output, batch.labels) for output in outputs)
    assert AUXILIARY_WEIGHT == 0.3
    torch.testing.assert_close(loss, main + 0.3 * first + 0.3 * second)
    assert not torch.equal(first, second)


@pytest.mark.slow
def test_googlenet_trains_head_first_and_its_auxiliary_classifiers_with_their_stage(draw_folder: DrawFolder, fit: Fit) -> None:
    options = ["--model.backbone", "googlenet", "--unfreezing.open_stages", "{1: 3, 2: all}"]
    run = fit(draw_folder(), *RECORD, *options, epochs=3)
    assert moved(0) == {"fc"}
    assert {"aux1", "aux2", "inception4a", "inception4e", "inception5b", "fc"} <= moved(1)
    assert not {"conv1", "inception3b"} & moved(1)
    assert {"conv1", "inception3a", "aux1"} <= moved(2)
    assert (run / "test" / "predictions.csv").exists()


@pytest.mark.slow
@pytest.mark.parametrize("backbone", ["googlenet", "deformable_resnet18_v2"])
def test_two_ranks_train_through_every_phase(draw_folder: DrawFolder, tmp_path: Path, backbone: str) -> None:
    """A gradient that one rank waits for in vain ends the run with an error."""
    options = ["--model.backbone", backbone, "--unfreezing.open_stages", "{1: 3, 2: all}"]
    devices = ["--trainer.devices", "2", "--trainer.strategy", "ddp", "--data.batch_size", "2"]
    result = run_program(*fit_arguments(draw_folder(), tmp_path, 3), *options, *devices)
    assert result.returncode == 0, result.stderr


def test_lenet5_trains_with_imagenets_normalisation(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), *RECORD, "--model.backbone", "lenet5", "--unfreezing.open_stages", "{0: all}")
    assert moved(0) == {"c1", "s2", "c3", "s4", "c5", "f6", "fc"}
    assert len(Recorder.states) == 2
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["hyper_parameters"]["preprocessing"]["mean"] == [0.485, 0.456, 0.406]


def test_a_size_that_is_too_small_is_refused_with_the_smallest() -> None:
    with pytest.raises(UserError, match=r"alexnet .*48 px .*63 px"):
        PostureClassifier(["a", "b"], backbone="alexnet", pretrained=False, image_size=48)


def test_a_highway_starts_by_letting_its_input_by() -> None:
    network: Any = timm.create_model("cifar_highway20")
    x = torch.rand(1, 16, 8, 8)
    layer = network.stage1[0]
    assert layer.gate.bias.max() < 0
    assert (layer(x) - x).norm() < 0.5 * x.norm()
    nn.init.constant_(layer.gate.bias, -100.0)
    torch.testing.assert_close(layer(x), x)


def test_an_identity_shortcut_adds_the_input_with_zeros_for_new_channels() -> None:
    network: Any = timm.create_model("cifar_resnet14").eval()
    block, x = network.stage2[0], torch.rand(1, 16, 8, 8)
    nn.init.zeros_(block.conv2[1].weight)
    expected = torch.cat([x[:, :, ::2, ::2], torch.zeros(1, 16, 4, 4)], 1)
    assert torch.equal(block(x), expected)


def test_lenet5_connects_its_third_layer_by_table_1() -> None:
    network: Any = timm.create_model("lenet5")
    seen = []
    for channel in range(6):
        x = torch.zeros(1, 6, 14, 14)
        x[:, channel] = 1.0
        response = network.c3(x) - network.c3(torch.zeros_like(x))
        seen.append({row for row in range(16) if response[0, row].any()})
    assert [len(rows) for rows in seen] == [10] * 6, "each map is seen by ten"
    assert seen[0] == {0, 4, 5, 6, 9, 10, 11, 12, 14, 15}
    assert set.intersection(*seen) == {15}
