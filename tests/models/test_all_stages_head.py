"""A head that sees all stages: which networks can have it, and how they are divided."""

import copy
import csv
import json
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from posture_classifier.cli.program import main
from posture_classifier.inference import Classifier
from posture_classifier.models.all_stages_head import grid_pool
from posture_classifier.models.frozen_prefix import find_cut
from posture_classifier.models.grad_cam import grad_cam
from posture_classifier.models.stages import classifiers, stages
from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError
from tests.helpers.networks import FAMILIES, LARGE, SIZES, check_cut, opened
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY, Fit, fit_arguments

WITHOUT_MAPS = {"lenet5", "alexnet", "nin", "googlenet", "cifar_resnet14", "cifar_highway20"}
SEVERAL_HEADS = {"deit_tiny_distilled_patch16_224", "inception_v3_aux"}
SHOWN = [name for name in FAMILIES if name not in WITHOUT_MAPS | SEVERAL_HEADS]
OTHERWISE_LAID_OUT = {"vit_tiny_patch16_224", "swin_tiny_patch4_window7_224"}
"""Transformers, whose maps are made of tokens outside of any module, so that they cannot be kept
instead of them."""


def families(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in names]


def size_of(name: str) -> int:
    return SIZES.get(name) or timm.get_pretrained_cfg(name).input_size[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", families(SHOWN))
def test_every_family_is_cut_where_a_plain_head_has_it_cut(name: str) -> None:
    for n_open in (1, 2):
        network, plain = (opened(name, n_open, head=head, drop_rate=0.3) for head in ("all_stages", "last_stage"))
        cut, plain_cut = find_cut(network, size_of(name)), find_cut(plain, size_of(name))
        if n_open == 2 and name in OTHERWISE_LAID_OUT:
            assert cut is None, "which is told, and computed in every step"
            continue
        assert cut is not None
        assert plain_cut is not None
        assert (cut.name == "all_stages") == (n_open == 1)
        assert cut.frozen_after == plain_cut.frozen_after, "no more that is frozen is left to be computed in every step"
        check_cut(network, cut, size_of(name))


@pytest.mark.parametrize("name", families(SHOWN))
def test_every_parameter_learns(name: str) -> None:
    network, _ = create_backbone(name, 3, pretrained=False, image_size=SIZES.get(name), head="all_stages")
    images = torch.rand(3, 3, size_of(name), size_of(name))
    torch.autograd.backward(network(images).square().sum())
    assert [key for key, parameter in network.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("name", [*families(sorted(WITHOUT_MAPS | SEVERAL_HEADS)), "efficientvit_m0"])
def test_a_network_whose_head_cannot_see_more_is_refused_in_a_sentence(name: str) -> None:
    """Such as the last, which has a norm between average and classifier."""
    with pytest.raises(UserError, match=rf"model.head all_stages .*{name}"):
        create_backbone(name, 3, pretrained=False, head="all_stages")


def test_a_classifier_that_is_a_convolution_is_replaced() -> None:
    network, _ = create_backbone("resnetv2_50", 3, pretrained=False, image_size=64, head="all_stages")
    assert isinstance(timm.create_model("resnetv2_50").get_classifier(), nn.Conv2d)
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 3)


def test_a_size_that_the_network_cannot_take_is_refused_first() -> None:
    with pytest.raises(UserError, match=r"test_vit .*33 px"):
        create_backbone("test_vit", 3, pretrained=False, image_size=33, head="all_stages")


def test_the_head_is_shown_where_something_is() -> None:
    """The average of a frozen network's map does not depend on places; this head's input does."""
    torch.manual_seed(0)
    network, _ = create_backbone("resnet18", 2, pretrained=False, head="all_stages", image_size=96)
    for convolution in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
        convolution.padding_mode = "circular"  # so that a shifted photo gives shifted maps
        convolution._reversed_padding_repeated_twice = [p for p in reversed(convolution.padding) for _ in range(2)]  # type: ignore[misc]
    network.maxpool = nn.Identity()
    seen: list[torch.Tensor] = []
    classifiers(network)[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    photo = torch.zeros(1, 3, 96, 96)
    photo[..., :32, :32] = torch.rand(3, 32, 32)
    for image in (photo, photo.roll((48, 48), (2, 3))):
        network.eval()(image)
    n_averages = network.num_features
    averages, places = [s[:, :n_averages] for s in seen], [s[:, n_averages:] for s in seen]
    torch.testing.assert_close(*averages, rtol=1e-3, atol=1e-3)
    assert (places[0] - places[1]).abs().max() > 1


@pytest.mark.parametrize("side", [4, 5, 6, 7, 12, 14, 28, 56, 112])
def test_a_grid_covers_a_map_and_pooling_again_changes_nothing(side: int) -> None:
    image = torch.rand(2, 5, side, side, requires_grad=True)
    pooled = grid_pool(image)
    assert pooled.shape == (2, 5, 3, 3)
    assert torch.equal(grid_pool(pooled), pooled)
    if side % 3 == 0:
        torch.testing.assert_close(pooled, nn.functional.adaptive_avg_pool2d(image, 3))
    (weight,) = torch.autograd.grad(pooled.sum(), image)
    assert weight.min() > 0, "every position counts"


def test_a_small_map_stays_as_it_is() -> None:
    image = torch.rand(2, 5, 2, 1)
    assert grid_pool(image) is image


def test_all_but_the_classifier_keeps_its_names_and_learns_by_stage() -> None:
    network, _ = create_backbone("tf_efficientnet_lite0", 3, pretrained=False, head="all_stages", image_size=64)
    plain = timm.create_model("tf_efficientnet_lite0", num_classes=3)
    shapes = [{name: value.shape for name, value in model.state_dict().items()} for model in (network, plain)]
    assert list(shapes[0]) == list(shapes[1])
    assert {name for name, shape in shapes[0].items() if shapes[1][name] != shape} == {"classifier.weight"}
    assert stages(network) == stages(plain)


def test_plain_weights_fill_the_network_and_its_own_the_head_too(tmp_path: Path) -> None:
    plain = timm.create_model("test_resnet", num_classes=3)
    torch.save(plain.state_dict(), tmp_path / "plain.pth")
    network, _ = create_backbone("test_resnet", 3, weights=str(tmp_path / "plain.pth"), head="all_stages")
    assert torch.equal(network.get_parameter("layer4.0.conv1.weight"), plain.get_parameter("layer4.0.conv1.weight"))
    torch.save(network.state_dict(), tmp_path / "own.pth")
    again, _ = create_backbone("test_resnet", 3, weights=str(tmp_path / "own.pth"), head="all_stages")
    assert torch.equal(again.get_parameter("fc.weight"), network.get_parameter("fc.weight"))


def test_what_the_head_is_shown_holds_in_several_threads() -> None:
    network = opened("resnet18", 2, head="all_stages")
    cut = find_cut(network, 64)
    assert cut is not None
    photos = torch.rand(16, 2, 3, 64, 64)
    with cut.prefix_function() as prefix, ThreadPoolExecutor(4) as threads:
        together = list(threads.map(prefix, photos))
    assert all(torch.equal(cut.prefix(images), answer) for images, answer in zip(photos, together, strict=True))


def test_dropout_comes_after_what_is_kept() -> None:
    network = opened("resnet18", 1, head="all_stages", drop_rate=0.5)
    cut = find_cut(network, 64)
    assert cut is not None
    kept = cut.prefix(torch.rand(2, 3, 64, 64))
    assert not torch.equal(cut.suffix(kept), cut.suffix(kept)), "it draws anew"
    network.eval()
    assert torch.equal(cut.suffix(kept), cut.suffix(kept))


def test_what_is_kept_in_16_bits_is_close_to_the_whole() -> None:
    network = opened("resnet18", 2, head="all_stages").eval()
    cut = find_cut(network, 64)
    assert cut is not None
    images = torch.rand(4, 3, 64, 64)
    cut.precision, cut.cache_dtype = "bf16", torch.bfloat16
    kept = cut.prefix(images)
    assert kept.dtype == torch.bfloat16
    torch.testing.assert_close(cut.suffix(kept), network(images), rtol=0.05, atol=0.05)


def test_all_but_the_head_is_kept_however_many_values_it_is(draw_folder: DrawFolder, fit: Fit, computed: list[int]) -> None:
    run = fit(draw_folder(), "--model.backbone", "resnet18", "--model.head", "all_stages", epochs=3)
    (phase,) = json.loads((run / "summary.json").read_text())["frozen_part"]
    assert phase["values_per_photo"] > 3 * 32 * 32, "more than the photo has"
    assert sum(computed) == 20


def test_a_checkpoint_of_before_has_a_plain_head(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    run = fit(root)
    content = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    del content["hyper_parameters"]["head"]
    torch.save(content, tmp_path / "before.ckpt")
    options = ["--model.head", "all_stages", "--data.split", str(run / "split.csv"), "--ckpt_path", str(tmp_path / "before.ckpt")]
    assert main(["test", *fit_arguments(root, tmp_path, 1)[1:], *options]) == 0, capsys.readouterr().err


def test_copies_and_exports_are_whole() -> None:
    """Averaged weights are a deep copy."""
    network, _ = create_backbone("test_resnet", 2, pretrained=False, image_size=64, head="all_stages")
    images = torch.rand(2, 3, 64, 64)
    exported = torch.export.export(network.eval(), (images,)).module()
    copied = copy.deepcopy(network)
    torch.testing.assert_close(exported(images), network(images))
    torch.testing.assert_close(copied(images), network(images))
    nn.init.zeros_(copied.get_parameter("fc.weight"))
    assert torch.equal(copied(images)[0], copied(images)[1])
    assert not torch.equal(network(images)[0], network(images)[1])


UNPICKLE = """
import pickle, sys
network, images, expected = pickle.load(sys.stdin.buffer)
assert (network(images) - expected).abs().max() < 1e-5
assert network.forward.args[0] is network
"""


@pytest.mark.slow
def test_another_process_can_unpickle_the_network() -> None:
    """Processes that are spawned, as on Windows and macOS, get a model by pickle."""
    network, _ = create_backbone("test_resnet", 2, pretrained=False, image_size=64, head="all_stages")
    images = torch.rand(2, 3, 64, 64)
    content = pickle.dumps((network.eval(), images, network(images).detach()))
    result = subprocess.run([sys.executable, "-c", UNPICKLE], input=content, cwd=REPOSITORY, capture_output=True, check=False)
    assert result.returncode == 0, result.stderr.decode()


def test_a_finished_run_predicts_as_it_was_evaluated(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root, "--model.head", "all_stages", "--model.image_size", "64", "--precision", "fp32", "--report", "true", epochs=2)
    with (run / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt", precision="fp32", calibrated=False)
    for row, prediction in zip(rows, classifier.predict([root / row["path"] for row in rows]), strict=True):
        assert prediction.probabilities is not None
        for name, probability in prediction.probabilities.items():
            assert probability == pytest.approx(float(row[name]), abs=1e-5)
    assert "Its head sees more than this map of the last stage" in (run / "report.html").read_text()


def test_grad_cam_works_with_this_head() -> None:
    network, _ = create_backbone("resnet18", 2, pretrained=False, head="all_stages", image_size=96)
    maps = grad_cam(network.eval(), torch.rand(2, 3, 96, 96), torch.tensor([0, 1]))
    assert maps is not None
    assert maps.shape == (2, 96, 96)
    assert maps.any()


def test_the_command_line_refuses_with_code_2(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), "--model.backbone", "lenet5", "--model.head", "all_stages"]) == 2
    error = capsys.readouterr().err
    assert "model.head" in error
    assert "lenet5" in error
