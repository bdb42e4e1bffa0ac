"""A head that sees all stages: on every network that hands them out, frozen or not, and with a cut where a plain head has one."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from posture_classifier.all_stages import Pool
from posture_classifier.cli import main
from posture_classifier.cut import find_cut
from posture_classifier.errors import UserError
from posture_classifier.inference import Classifier
from posture_classifier.report.attention import attention
from posture_classifier.stages import stages
from posture_classifier.weights import create_backbone

from .conftest import DrawFolder, Fit, fit_arguments
from .test_cut import LARGE, SIZES, check_cut, opened
from .test_stages import FAMILIES

WITHOUT_MAPS = {"lenet5", "alexnet", "nin", "googlenet", "cifar_resnet14", "cifar_highway20"}
SEVERAL_HEADS = {"deit_tiny_distilled_patch16_224", "inception_v3_aux"}
SHOWN = [name for name in FAMILIES if name not in WITHOUT_MAPS | SEVERAL_HEADS]
OTHERWISE_LAID_OUT = {"vit_tiny_patch16_224", "swin_tiny_patch4_window7_224", "pit_s_224"}
"""Transformers, whose maps are made of tokens outside of any module, so that they cannot be kept instead of them."""


def families(names: list[str]) -> list[object]:
    return [pytest.param(name, marks=pytest.mark.slow if name in LARGE else ()) for name in names]


def size_of(name: str) -> int:
    return SIZES.get(name) or timm.get_pretrained_cfg(name).input_size[1]


@pytest.mark.parametrize("name", families(SHOWN))
def test_every_family_is_cut_where_a_plain_head_has_it_cut(name: str) -> None:
    for n_open in (1, 2):
        network, plain = (opened(name, n_open, head=head, drop_rate=0.3) for head in ("all_stages", "last_stage"))
        cut, plain_cut = find_cut(network, size_of(name)), find_cut(plain, size_of(name))
        if n_open == 2 and name in OTHERWISE_LAID_OUT:
            assert cut is None, "which is told, and computed in every step"
            continue
        assert cut is not None
        if n_open == 1:
            assert cut.name == "all_stages"
        else:
            assert plain_cut is not None
            # An equal place: the last module of a stage, or what follows it at once.
            assert cut.name.split(".")[0] in (plain_cut.name.split(".")[0], "dense_stages", "stages")
        check_cut(network, cut, size_of(name))


@pytest.mark.parametrize("name", families(sorted(WITHOUT_MAPS | SEVERAL_HEADS)))
def test_a_network_that_shows_no_maps_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(UserError, match=rf"model.head all_stages needs a network that hands out .*, which {name} does not"):
        create_backbone(name, 3, pretrained=False, head="all_stages")


def test_a_size_that_the_network_cannot_take_is_refused_first() -> None:
    with pytest.raises(UserError, match="test_vit cannot take images of 33 px"):
        create_backbone("test_vit", 3, pretrained=False, image_size=33, head="all_stages")


def test_the_head_is_shown_where_something_is() -> None:
    """A frozen network's average is the same wherever an object is; what this head is shown is not."""
    torch.manual_seed(0)
    network, _ = create_backbone("resnet18", 2, pretrained=False, head="all_stages", image_size=96)
    for convolution in [module for module in network.modules() if isinstance(module, nn.Conv2d)]:
        convolution.padding_mode = "circular"  # so that a shifted photo gives shifted maps
        convolution._reversed_padding_repeated_twice = [p for p in reversed(convolution.padding) for _ in range(2)]  # type: ignore[misc]
    network.maxpool = nn.Identity()
    seen: list[torch.Tensor] = []
    network.get_classifier().register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))  # type: ignore[operator]
    photo = torch.zeros(1, 3, 96, 96)
    photo[..., :32, :32] = torch.rand(3, 32, 32)
    for image in (photo, photo.roll((48, 48), (2, 3))):
        network.eval()(image)
    n_averages = network.num_features
    averages, places = [s[:, :n_averages] for s in seen], [s[:, n_averages:] for s in seen]
    torch.testing.assert_close(*averages, rtol=1e-3, atol=1e-3)
    assert (places[0] - places[1]).abs().max() > 1


def test_pooling_again_changes_nothing() -> None:
    pooled = Pool()(torch.rand(2, 5, 14, 7))
    assert pooled.shape == (2, 5, 3, 3)
    assert torch.equal(Pool()(pooled), pooled)
    assert Pool()(torch.rand(2, 5, 1, 1)).shape == (2, 5, 1, 1)


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
    assert torch.equal(network.layer4[0].conv1.weight, plain.layer4[0].conv1.weight)  # type: ignore[index, union-attr]
    torch.save(network.state_dict(), tmp_path / "own.pth")
    again, _ = create_backbone("test_resnet", 3, weights=str(tmp_path / "own.pth"), head="all_stages")
    assert torch.equal(again.fc.weight, network.fc.weight)  # type: ignore[union-attr, arg-type]


def test_what_the_head_is_shown_holds_in_several_threads() -> None:
    network = opened("resnet18", 2, head="all_stages")
    cut = find_cut(network, 64)
    assert cut is not None
    photos = torch.rand(16, 2, 3, 64, 64)
    with cut.passes() as prefix, ThreadPoolExecutor(4) as threads:
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


def test_a_finished_run_predicts_as_it_was_evaluated(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    run = fit(root, "--model.head", "all_stages", "--precision", "fp32", epochs=2)
    with (run / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt", precision="fp32")
    for row, prediction in zip(rows, classifier.predict([root / row["path"] for row in rows]), strict=True):
        assert prediction.probabilities is not None
        for name, probability in prediction.probabilities.items():
            assert probability == pytest.approx(float(row[name]), abs=1e-5)


def test_a_map_of_attention_is_still_to_be_had() -> None:
    network, _ = create_backbone("resnet18", 2, pretrained=False, head="all_stages", image_size=96)
    maps = attention(network.eval(), torch.rand(2, 3, 96, 96), torch.tensor([0, 1]))
    assert maps is not None
    assert maps.shape == (2, 96, 96)
    assert maps.any()


def test_the_command_line_refuses_with_code_2(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), "--model.backbone", "lenet5", "--model.head", "all_stages"]) == 2
    assert "which lenet5 does not; leave it out" in " ".join(capsys.readouterr().err.split())
