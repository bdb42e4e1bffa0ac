"""What a run leaves behind, and how quickly the command line answers."""

import builtins
import csv
import errno
import io
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from posture_classifier import __version__
from posture_classifier.cli import main

from .conftest import DrawFolder, Fit, fit_arguments


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=240, check=True)


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_quick_answers_import_no_torch(option: str) -> None:
    loaded = python("-X", "importtime", "-m", "posture_classifier", option).stderr
    assert "posture_classifier.cli" in loaded
    assert not any(name in loaded for name in ("| torch", "| lightning", "| timm", "| numpy", "| matplotlib", "| wandb"))


def test_version() -> None:
    start = time.perf_counter()
    assert python("-m", "posture_classifier", "--version").stdout.strip() == __version__
    assert time.perf_counter() - start < 5, "0.1 s on an idle machine; torch would take longer than this allows on most"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {command}" in text for command in ("fit", "validate", "test", "backbones", "predict"))


def test_importing_asks_no_network() -> None:
    program = (
        "import socket\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import posture_classifier.training, posture_classifier.inference, posture_classifier.tools.predict\n"
        "import posture_classifier.costs\n"
        "from posture_classifier.data.augmentation import Augmentation, DEFAULT\n"
        "Augmentation(DEFAULT, 0)\n"
    )
    python("-c", program)


def test_a_run_leaves_all_its_files(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(people=10), "--unfreezing.open_stages", "{1: 2}", epochs=2)
    found = sorted(str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    assert found == [
        *("checkpoints/best.ckpt", "checkpoints/last.ckpt", "config.yaml", "confusion_matrix.png", "curves.png"),
        *("metrics.csv", "split.csv", "summary.json", "test/predictions.csv"),
    ]
    for name in ("confusion_matrix.png", "curves.png"):
        assert Image.open(run / name).size[0] > 300

    summary = json.loads((run / "summary.json").read_text())
    assert summary["split"] == "test"
    assert summary["splits"] == {
        "train": {"images": 24, "groups": 6},
        "val": {"images": 8, "groups": 2},
        "test": {"images": 8, "groups": 2},
    }
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc"):
        assert summary[name]["low"] <= summary[name]["value"] <= summary[name]["high"]
    assert [(phase["stages_open"], phase["first_epoch"], phase["last_epoch"]) for phase in summary["phases"]] == [
        (1, 0, 0),
        (2, 1, 1),
    ]
    assert summary["versions"]["posture-classifier"] == __version__

    with (run / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    with (run / "split.csv").open() as file:
        tested = {row["path"] for row in csv.DictReader(file) if row["split"] == "test"}
    assert {row["path"] for row in rows} == tested
    right = [max(("left", "right"), key=lambda name: float(row[name])) == row["label"] for row in rows]
    assert sum(right) / len(right) == pytest.approx(summary["accuracy"]["value"])
    assert {row["group"] for row in rows} == {row["path"].split("/")[1].split("_")[0] for row in rows}


@pytest.mark.parametrize(("command", "split"), [("validate", "val"), ("test", "test")])
def test_evaluating_a_checkpoint_gives_the_same_figures_in_a_new_folder(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, command: str, split: str
) -> None:
    root = draw_folder()
    first = fit(root, "--unfreezing.open_stages", "{0: all}")
    before = {path: path.read_bytes() for path in first.rglob("*") if path.is_file()}
    checkpoint = str(first / "checkpoints" / "best.ckpt")
    # Another backbone is configured: the checkpoint knows better.
    arguments = [command, *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", checkpoint, "--model.backbone", "resnet18"]
    assert main(arguments) == 0
    second = first.with_name("version_1")
    assert (second / split / "predictions.csv").exists()
    if split == "test":
        assert (second / split / "predictions.csv").read_bytes() == before[first / "test" / "predictions.csv"]
    assert {path: path.read_bytes() for path in first.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("command", ["validate", "test"])
def test_another_seed_does_not_test_on_trained_photos(tmp_path: Path, draw_folder: DrawFolder, fit: Fit, command: str) -> None:
    """The split is the checkpoint's: a new one would put people that it was trained on among the tested."""
    root = draw_folder(people=10)
    first = fit(root, "--seed_everything", "1")
    checkpoint = str(first / "checkpoints" / "best.ckpt")
    assert main([command, *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", checkpoint, "--seed_everything", "2"]) == 0
    assert (first.with_name("version_1") / "split.csv").read_text() == (first / "split.csv").read_text()


def test_a_checkpoint_can_be_tested_on_other_photos(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    checkpoint = str(fit(draw_folder()) / "checkpoints" / "best.ckpt")
    other = draw_folder("others", people=9)
    for path in other.rglob("*.png"):
        path.rename(path.with_name(f"new_{path.name}"))
    assert main(["test", *fit_arguments(other, tmp_path, 1)[1:], "--ckpt_path", checkpoint]) == 0
    assert json.loads((tmp_path / "lightning_logs" / "others" / "version_0" / "summary.json").read_text())["groups"] == 2


@pytest.mark.parametrize("name", ["config.yaml", "split.csv", "metrics.csv", "summary.json"])
def test_a_full_disk_anywhere_is_one_sentence(
    draw_folder: DrawFolder, fit: Fit, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = io.open

    def full(file: object, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "w" in mode and name in str(file):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return original(file, mode, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(io, "open", full)
    monkeypatch.setattr(builtins, "open", full)
    fit(draw_folder(), code=2)
    error = capsys.readouterr().err
    assert "could not be written: No space left on device" in error
    assert name in error


@pytest.mark.parametrize("precision", ["bf16-true", "64-true", "bf16-mixed"])
def test_precisions_run(draw_folder: DrawFolder, fit: Fit, precision: str) -> None:
    fit(draw_folder(), "--trainer.precision", precision)


@pytest.mark.parametrize(
    "options", [["--trainer.overfit_batches", "1"], ["--trainer.logger", "true"], ["--trainer.limit_test_batches", "1"]]
)
def test_options_of_the_trainer_run(draw_folder: DrawFolder, fit: Fit, options: list[str]) -> None:
    fit(draw_folder(), *options)


def test_without_a_test_split_the_validation_photos_are_reported(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), "--data.test_fraction", "0")
    assert json.loads((run / "summary.json").read_text())["split"] == "val"
    assert (run / "val" / "predictions.csv").exists()


def test_runs_never_share_a_folder(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    first = (fit(root) / "summary.json").read_text()
    assert (fit(root, version=1) / "summary.json").exists()
    assert (fit(root, version=1, code=0).with_name("version_0") / "summary.json").read_text() == first


@pytest.mark.parametrize(
    "options", [["--model.class_weights", "balanced"], ["--model.label_smoothing", "0.1"], ["--model.resize", "pad"]]
)
def test_options_run(draw_folder: DrawFolder, fit: Fit, options: list[str]) -> None:
    fit(draw_folder(), *options, "--trainer.gradient_clip_val", "1.0")


def test_balanced_class_weights_make_classes_count_equally() -> None:
    from posture_classifier.model import PostureClassifier

    model = PostureClassifier(["a", "b"], [30, 10], backbone="test_resnet", pretrained=False, class_weights="balanced")
    weights = model.loss_weights
    assert isinstance(weights, torch.Tensor)
    assert weights[0] * 30 == pytest.approx(float(weights[1] * 10))
    assert float((weights * weights.new_tensor([30, 10])).sum()) == pytest.approx(40)
