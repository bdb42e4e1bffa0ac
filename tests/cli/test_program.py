"""What a run leaves behind, and how quickly the command line answers."""

import builtins
import csv
import errno
import io
import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from posture_classifier import __version__
from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, fit_arguments


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=240, check=True)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["fit", "--help"], ["predict", "--help"]])
def test_quick_answers_import_no_torch(words: list[str]) -> None:
    loaded = python("-X", "importtime", "-m", "posture_classifier", *words).stderr
    assert "posture_classifier.cli" in loaded
    assert not any(name in loaded for name in ("| torch", "| lightning", "| timm", "| numpy", "| matplotlib", "| wandb"))


def test_version() -> None:
    start = time.perf_counter()
    assert python("-m", "posture_classifier", "--version").stdout.strip() == __version__
    assert time.perf_counter() - start < 5, "0.1 s on an idle machine; torch would take longer than this allows on most"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    text = capsys.readouterr().out
    assert all(
        f"\n  {command}" in text for command in ("fit", "validate", "test", "backbones", "crossval", "predict", "report", "search")
    )


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_the_help_that_is_read_from_sources_is_that_of_the_parser(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    from posture_classifier.training.fit import PostureCLI

    assert main([command, "--help"]) == 0
    ours = capsys.readouterr().out
    with pytest.raises(SystemExit):
        PostureCLI([command, "--help"])
    theirs = capsys.readouterr().out
    names = set(re.findall(r"^  --([\w.]+)$", ours, re.MULTILINE))
    wanted = set(re.findall(r"\[?--([\w.]+)", theirs.partition("\n\n")[0])) | {"data.root"}
    assert names == (wanted | {"config"}) - {"print_config", "help", "trainer", "model", "data", "unfreezing", "cache"}
    assert "--data.batch_size\n      Photos a step, per device. (int; default: 32)\n" in ours
    assert "(str; required)" in ours


def test_importing_asks_no_network_and_no_wandb() -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import posture_classifier.training.fit, posture_classifier.inference, posture_classifier.cli.commands.predict\n"
        "import posture_classifier.costs\n"
        "from posture_classifier.images.augmentation import Augmentation, DEFAULT_TRANSFORMS\n"
        "Augmentation(DEFAULT_TRANSFORMS, 0)\n"
        "print('imported', 'wandb' in sys.modules)"
    )
    assert python("-c", program).stdout == "imported False\n"


@pytest.mark.usefixtures("pictures")
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
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "auroc", "log_loss", "ece"):
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
    other = draw_folder("others", people=9, seed=1)
    assert main(["test", *fit_arguments(other, tmp_path, 1)[1:], "--ckpt_path", checkpoint]) == 0
    assert json.loads((tmp_path / "lightning_logs" / "others" / "version_0" / "summary.json").read_text())["groups"] == 2


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_photos_that_a_moved_checkpoint_has_seen_are_known_again(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Under other names, in another folder, with a checkpoint that was taken out of its run."""
    shutil.copy(fit(draw_folder(people=10)) / "checkpoints" / "best.ckpt", tmp_path / "mine.ckpt")
    other = draw_folder("others", people=10)
    for path in other.rglob("*.png"):
        path.rename(path.with_name(f"renamed_{path.name}"))
    arguments = [*fit_arguments(other, tmp_path, 2)[1:], "--ckpt_path", str(tmp_path / "mine.ckpt"), "--seed_everything", "1"]
    assert main([command, *arguments]) == 2
    error = capsys.readouterr().err
    assert re.search(r"\d of the 8 (val|test) photos .* are photos that .*mine.ckpt learnt from or was chosen by", error)
    assert not (tmp_path / "lightning_logs" / "others").exists()


def test_copies_on_two_sides_of_the_runs_own_split_are_a_warning(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=10)
    for path in root.rglob("person*_1.png"):
        shutil.copy(root / "left" / "person0_0.png", path)
    checkpoint = str(fit(root) / "checkpoints" / "best.ckpt")
    with pytest.warns(UserWarning, match="4 of the 8 test photos .* copies of one photo"):
        assert main(["test", *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", checkpoint]) == 0


def test_the_last_run_is_not_gone_on_from_with_other_photos(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folders of one name share an experiment; each would resume the other's run."""
    run = fit(draw_folder())
    other = draw_folder("elsewhere/photos", seed=1)
    assert main([*fit_arguments(other, tmp_path, 2), "--ckpt_path", "last"]) == 2
    assert "was trained on other photos than those below" in capsys.readouterr().err
    before = (run / "metrics.csv").read_text()
    assert main([*fit_arguments(other, tmp_path, 2), "--ckpt_path", str(run / "checkpoints" / "last.ckpt")]) == 0
    assert (run / "metrics.csv").read_text() == before
    assert (run.with_name("version_1") / "metrics.csv").exists(), "other photos, another folder"


@pytest.mark.parametrize("monitor", ["{monitor: val/loss}", "{monitor: val/accuracy, mode: max, save_top_k: 2}"])
def test_a_checkpoint_callback_of_the_users_own(
    draw_folder: DrawFolder, fit: Fit, monitor: str, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = f"{{class_path: lightning.pytorch.callbacks.ModelCheckpoint, init_args: {monitor}}}"
    run = fit(draw_folder(), "--trainer.callbacks", f"[{callback}]", epochs=2)
    names = {path.name for path in (run / "checkpoints").iterdir()}
    assert {"best.ckpt", "last.ckpt"} < names
    assert f"checkpoint: {run / 'checkpoints' / 'best.ckpt'}" in capsys.readouterr().out


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
    run = fit(draw_folder(), "--trainer.precision", precision)
    assert json.loads((run / "summary.json").read_text())["precision"] == precision


@pytest.mark.parametrize(
    ("options", "tested"),
    [(["--trainer.overfit_batches", "1"], 8), (["--trainer.logger", "true"], 8), (["--trainer.limit_test_batches", "0.5"], 4)],
)
def test_options_of_the_trainer(draw_folder: DrawFolder, fit: Fit, options: list[str], tested: int) -> None:
    run = fit(draw_folder(people=10), *options)
    assert json.loads((run / "summary.json").read_text())["images"] == tested


def test_without_a_test_split_the_validation_photos_are_reported(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(), "--data.test_fraction", "0")
    assert json.loads((run / "summary.json").read_text())["split"] == "val"
    assert (run / "val" / "predictions.csv").exists()


def test_runs_never_share_a_folder(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder()
    first = (fit(root) / "summary.json").read_text()
    assert (fit(root, version=1) / "summary.json").exists()
    assert (fit(root, version=1, code=0).with_name("version_0") / "summary.json").read_text() == first


@pytest.mark.parametrize("options", [["--model.label_smoothing", "0.5"], ["--trainer.gradient_clip_val", "0.001"]])
def test_options_change_what_is_learnt(draw_folder: DrawFolder, fit: Fit, options: list[str]) -> None:
    root = draw_folder()
    plain, other = fit(root), fit(root, *options, version=1)
    assert (plain / "test" / "predictions.csv").read_text() != (other / "test" / "predictions.csv").read_text()


def test_balanced_class_weights_make_classes_count_equally() -> None:
    from posture_classifier.models.classifier import PostureClassifier

    model = PostureClassifier(["a", "b"], [30, 10], backbone="test_resnet", pretrained=False, class_weights="balanced")
    weights = model.loss_weights
    assert isinstance(weights, torch.Tensor)
    assert weights[0] * 30 == pytest.approx(float(weights[1] * 10))
    assert float((weights * weights.new_tensor([30, 10])).sum()) == pytest.approx(40)
