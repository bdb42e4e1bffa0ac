"""Weight files of other programs: where the tensors are in them, and that nothing is executed."""

import argparse
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
import torchvision
from safetensors.torch import save_file
from torch import Tensor, nn

from posture_classifier.models.checkpoint import load_plain, read_checkpoint, read_seen
from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    return dict(timm.create_model("test_resnet", num_classes=7).state_dict())


def prefixed(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in state.items()}


def assert_loaded(network: nn.Module, trained: dict[str, Tensor]) -> None:
    own = network.state_dict()
    assert all(torch.equal(own[name], value) for name, value in trained.items() if not name.startswith("fc."))


@pytest.mark.parametrize(
    "prefix",
    ["model.", "net.", "encoder.", "feature_extractor.", "model.backbone.", "module._orig_mod.", "classifier.network.model."],
)
@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_the_prefix_of_most_tensors_is_found(
    prefix: str, suffix: str, tmp_path: Path, trained: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    """As LightningModules write them: the network below one name, and what else they hold."""
    state = prefixed(prefix, trained) | {"loss.weight": torch.ones(7), "metric.confmat": torch.zeros(7, 7)}
    path = tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": state, "epoch": 3, "hyper_parameters": {"lr": 0.1}}, path)
    assert_loaded(create_backbone("test_resnet", 2, weights=str(path))[0], trained)
    total = len(trained)
    said = capsys.readouterr().out
    assert f"{total - 2} of {total} tensors of test_resnet found below {prefix.removesuffix('.')}; left out: 4 tensors" in said
    assert "loss.weight" in said


def test_body_and_head_below_two_names(tmp_path: Path, trained: dict[str, Tensor], capsys: pytest.CaptureFixture[str]) -> None:
    body = {name: value for name, value in trained.items() if not name.startswith("fc.")}
    state = prefixed("backbone.", body) | {"classifier.weight": torch.ones(2, 3), "classifier.bias": torch.ones(2)}
    torch.save({"state_dict": state}, tmp_path / "w.ckpt")
    assert_loaded(create_backbone("test_resnet", 2, weights=str(tmp_path / "w.ckpt"))[0], trained)
    assert "left out: 2 tensors (classifier.weight, classifier.bias)" in capsys.readouterr().out


def test_of_two_copies_the_first_is_taken_and_the_other_is_told(
    tmp_path: Path, trained: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    other = {name: torch.zeros_like(value) for name, value in trained.items()}
    torch.save({"state_dict": prefixed("student.", trained) | prefixed("teacher.", other)}, tmp_path / "w.ckpt")
    assert_loaded(create_backbone("test_resnet", 7, weights=str(tmp_path / "w.ckpt"))[0], trained)
    assert f"below student; left out: {len(other)} tensors (teacher." in capsys.readouterr().out


def test_the_children_of_a_network_in_a_sequential(tmp_path: Path) -> None:
    """As in Lightning's own example of transfer learning."""
    network = torchvision.models.resnet18(weights=None)
    numbered = nn.Sequential(*list(network.children())[:-1])
    torch.save({"state_dict": prefixed("feature_extractor.", dict(numbered.state_dict()))}, tmp_path / "w.ckpt")
    assert_loaded(create_backbone("resnet18", 2, weights=str(tmp_path / "w.ckpt"))[0], dict(network.state_dict()))


def test_a_file_that_fits_whole_is_not_spoken_of(
    tmp_path: Path, trained: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    torch.save(trained, tmp_path / "w.pth")
    create_backbone("test_resnet", 7, weights=str(tmp_path / "w.pth"))
    assert not capsys.readouterr().out


@pytest.mark.parametrize("key", ["state_dict", "model", "model_state_dict"])
def test_a_training_of_timm_or_torchvision_with_its_options(key: str, tmp_path: Path, trained: dict[str, Tensor]) -> None:
    options = argparse.Namespace(model="test_resnet", lr=0.1, opt_betas=[0.9, 0.999], nested=argparse.Namespace(a=None))
    optimizer = torch.optim.SGD([nn.Parameter(torch.ones(2))], lr=0.1).state_dict()
    path = tmp_path / "checkpoint.pth"
    torch.save({key: trained, "args": options, "optimizer": optimizer, "epoch": 4, "arch": "resnet"}, path)
    assert_loaded(create_backbone("test_resnet", 2, weights=str(path))[0], trained)
    assert read_seen(path) == {}
    with pytest.raises(UserError, match=r"argparse\.Namespace.*refused"):
        read_checkpoint(path)  # a checkpoint of ours holds none


class Harmful:
    """Leaves a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


class Custom(argparse.Namespace):
    """A class of somebody's project."""


@pytest.mark.parametrize("within", [False, True])
def test_what_could_run_code_is_refused_by_name(within: bool, tmp_path: Path, trained: dict[str, Tensor]) -> None:
    harmful = Harmful(tmp_path / "ran")
    path = tmp_path / "w.pth"
    torch.save({"model": trained, "args": argparse.Namespace(hook=harmful) if within else harmful}, path)
    with pytest.raises(UserError, match=r"mkdir.*refused and nothing of it was executed"):
        create_backbone("test_resnet", 2, weights=str(path))
    assert not (tmp_path / "ran").exists()


def test_only_options_are_let_in_and_only_for_weights(tmp_path: Path) -> None:
    torch.save({"args": Custom(a=1)}, tmp_path / "custom.pth")
    with pytest.raises(UserError, match="Custom"):
        load_plain(tmp_path / "custom.pth", allowed=[argparse.Namespace])
    torch.save({"args": argparse.Namespace(a=1)}, tmp_path / "options.pth")
    assert load_plain(tmp_path / "options.pth", allowed=[argparse.Namespace])["args"].a == 1
    with pytest.raises(UserError, match=r"argparse\.Namespace"):
        load_plain(tmp_path / "options.pth")


def test_a_whole_network_is_named_as_what_it_is(tmp_path: Path) -> None:
    torch.save(torchvision.models.resnet18(weights=None), tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"torchvision\.models\.resnet\.ResNet"):
        create_backbone("resnet18", 2, weights=str(tmp_path / "w.pth"))


def test_torchscript_is_named_and_its_advice_works(
    tmp_path: Path, trained: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    network = timm.create_model("test_resnet", num_classes=7)
    network.load_state_dict(trained)
    path = tmp_path / "it's scripted.pt"
    torch.jit.trace(network.eval(), torch.rand(1, 3, 32, 32)).save(str(path))  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match="is a TorchScript file") as raised:
        create_backbone("test_resnet", 2, weights=str(path))
    python, option, program = shlex.split(str(raised.value).partition("alone: ")[2])
    assert (python, option) == ("python", "-c")
    monkeypatch.chdir(tmp_path)
    exec(program, {})
    assert_loaded(create_backbone("test_resnet", 2, weights=str(tmp_path / "weights.pth"))[0], trained)
