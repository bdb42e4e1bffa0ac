"""What has changed in a checkpoint since it was written is noticed, before it takes memory."""

import copy
import io
import random
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.models.checkpoint import load_plain, read_checkpoint
from posture_classifier.models.restore import restore_model
from posture_classifier.utils.errors import UserError
from tests.test_old_runs import OLD

WHOLE = OLD / "version_0" / "checkpoints" / "last.ckpt"


def equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(equal, one, other))
    return bool(one == other)


def test_changed_bytes_are_noticed(tmp_path: Path) -> None:
    """1 to 200 bytes in 40 checkpoints; what only fills up the archive may change."""
    content, rng, noticed = WHOLE.read_bytes(), random.Random(0), 0
    whole, path = torch.load(io.BytesIO(content), weights_only=True), tmp_path / "a.ckpt"
    for _ in range(40):
        changed = bytearray(content)
        for _ in range(rng.choice([1, 1, 2, 5, 20, 100, 200])):
            changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        path.write_bytes(changed)
        try:
            assert equal(load_plain(path), whole)
        except UserError:
            noticed += 1
    assert noticed >= 38


def test_a_compressed_archive_is_refused(tmp_path: Path) -> None:
    """It could unfold to a thousand times its size."""
    path = tmp_path / "a.ckpt"
    with zipfile.ZipFile(WHOLE) as archive, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as compressed:
        for entry in archive.infolist():
            compressed.writestr(entry.filename, archive.read(entry))
    with pytest.raises(UserError, match=re.escape(str(path))):
        load_plain(path)


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("state_dict", None, "state_dict"),
        ("state_dict", {}, "lenet5"),
        ("hyper_parameters", [], "hyper_parameters"),
        ("epoch", "two", "epoch"),
        ("global_step", -1, "global_step"),
        ("callbacks", 3, "callbacks"),
        ("PostureData", {"train": torch.zeros(3)}, "PostureData.train"),
        ("pytorch-lightning_version", "new", "pytorch-lightning_version"),
        ("hyper_parameters.class_names", ["left", "left"], "class_names"),
        ("hyper_parameters.class_names", ["left", "right", "up"], "class_counts"),
        ("hyper_parameters.class_counts", [6], "class_counts"),
        ("hyper_parameters.backbone", "resnet81", "resnet81"),
        ("hyper_parameters.learning_rate", float("nan"), "learning_rate"),
        ("hyper_parameters.image_size", 10**9, "image_size"),
        ("hyper_parameters.image_size", 64, "preprocessing.image_size 32"),
        ("hyper_parameters.weights_source", None, "weights_source"),
        ("hyper_parameters.colour", "blue", "colour"),
        ("hyper_parameters.preprocessing.std", [0.0, 1.0, 1.0], "preprocessing.std"),
        ("hyper_parameters.preprocessing.image_size", 10**9, "preprocessing.image_size"),
        ("state_dict.backbone.fc.bias", torch.zeros(3), "fc.bias is 3, but should be 2"),
        ("state_dict.backbone.fc.bias", torch.full((2,), torch.inf), "fc.bias holds values"),
        ("state_dict.backbone.fc.bias", torch.zeros(2, dtype=torch.int64), "fc.bias is of type"),
        ("state_dict.backbone.fc.bias", torch.zeros(2, device="meta"), "fc.bias has no plain values"),
        ("state_dict.backbone.fc.bias", torch.zeros(1).expand(10**12), "fc.bias is 1000000000000"),
    ],
)
def test_a_part_that_no_run_has_written_is_named(tmp_path: Path, part: str, value: object, named: str) -> None:
    content, path = torch.load(WHOLE, weights_only=True), tmp_path / "a.ckpt"
    sections = {"state_dict": content["state_dict"], "hyper_parameters": content["hyper_parameters"]}
    section, _, key = part.partition(".")
    target = sections[section] if key else content
    if key.startswith("preprocessing."):
        target, key = target["preprocessing"], key.partition(".")[2]
    target[key or part] = value
    torch.save(content, path)
    with pytest.raises(UserError, match=re.escape(named)) as raised:
        Classifier.load(path, device="cpu")
    assert str(path) in str(raised.value) or part.endswith("backbone")
    assert "\n" not in str(raised.value)


def test_a_network_larger_than_the_file_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = read_checkpoint(WHOLE)
    changed = copy.deepcopy(checkpoint)
    changed["hyper_parameters"]["backbone"] = "vit_giant_patch14_224"
    monkeypatch.setattr("posture_classifier.models.classifier.create_backbone", lambda *_: pytest.fail("it was built"))
    path = Path(shutil.copy(WHOLE, tmp_path))
    with pytest.raises(UserError, match="vit_giant_patch14_224 with 2 classes, is larger than the whole file"):
        restore_model(path, changed)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("command", ["predict", "validate", "test"])
def test_weights_that_overflow_predict_nothing(tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    content, path = torch.load(WHOLE, weights_only=True), tmp_path / "a.ckpt"
    for name in ("f6", "fc"):
        content["state_dict"][f"backbone.{name}.weight"].fill_(1e38)
    torch.save(content, path)
    photos = str(OLD / "photos")
    options = ["--data.root", photos, "--data.group_pattern", r"person\d", "--data.num_workers", "0", "--ckpt_path", str(path)]
    options += ["--trainer.default_root_dir", str(tmp_path), "--data.split", str(OLD / "version_0" / "split.csv")]
    assert main(["predict", str(path), photos] if command == "predict" else [command, *options]) == 2
    assert "not finite" in capsys.readouterr().err
