"""Weight files that have changed since they were published are noticed."""

import hashlib
import sys
from base64 import urlsafe_b64encode
from pathlib import Path

import huggingface_hub
import pytest
import timm
import torch
from safetensors.torch import save

from posture_classifier.models.weight_files import check_packaged
from posture_classifier.models.weights import create_backbone
from posture_classifier.utils.errors import UserError


def flip(file: Path, place: int = -100) -> None:
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_file_named_by_its_digest(tmp_path: Path, damaged: bool) -> None:
    """In the format before torch 1.6, which has no checksums of its own."""
    file = tmp_path / "weights.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), file, _use_new_zipfile_serialization=False)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    last = digest[7] if not damaged else "b" if digest[7] == "a" else "a"
    file = file.rename(tmp_path / f"test_resnet-{digest[:7]}{last}.pth")
    if not any(digit in "abcdef" for digit in file.stem.rpartition("-")[2]):
        pytest.skip("figures alone may be a date")
    if damaged:
        with pytest.raises(UserError, match=rf"{file.name} are damaged"):
            create_backbone("test_resnet", 2, weights=str(file))
    else:
        assert create_backbone("test_resnet", 2, weights=str(file))[1] == file.name


def test_a_date_in_a_name_is_no_digest(tmp_path: Path) -> None:
    file = tmp_path / "test_resnet-20250131.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), file)
    assert create_backbone("test_resnet", 2, weights=str(file))[1] == file.name


def test_a_file_of_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The hub's client keeps it under its SHA-256, behind a link."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    state = timm.create_model("test_resnet").state_dict()
    content = save(state)
    blob = tmp_path / "blobs" / hashlib.sha256(content).hexdigest()
    link = tmp_path / "snapshot" / "model.safetensors"
    for path in (blob, link):
        path.parent.mkdir()
    blob.write_bytes(content)
    link.symlink_to(blob)
    monkeypatch.setattr("posture_classifier.models.weights._cached_file", lambda _: link)
    monkeypatch.setattr("timm.models._builder.load_state_dict_from_hf", lambda *_, **__: state)
    assert create_backbone("test_resnet", 2)[1] == "timm"
    flip(blob)
    with pytest.raises(UserError, match=rf"{blob.name} are damaged.* remove "):
        create_backbone("test_resnet", 2)


def test_a_file_of_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    file = tmp_path / "made_up_weights" / "models" / "w.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(1000))
    digest = urlsafe_b64encode(hashlib.sha256(bytes(1000)).digest()).decode().rstrip("=")
    notes = tmp_path / "made_up_weights-1.0.dist-info"
    notes.mkdir()
    (notes / "METADATA").write_text("Name: made-up-weights\nVersion: 1.0\n")
    (notes / "RECORD").write_text(f"made_up_weights/models/w.pth,sha256={digest},1000\n")
    check_packaged("made_up_weights", file)
    flip(file)
    with pytest.raises(UserError, match=r"w\.pth are damaged.* pip install .* made-up-weights"):
        check_packaged("made_up_weights", file)
