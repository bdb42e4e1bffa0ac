"""What a run leaves behind, what an evaluation takes from a checkpoint, and what options change."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier import __version__
from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit, fit_arguments


@pytest.mark.usefixtures("pictures")
def test_a_run_leaves_all_its_files(draw_folder: DrawFolder, fit: Fit) -> None:
    run = fit(draw_folder(people=10), "--unfreezing.open_stages", "{1: 2}", epochs=2)
    assert {str(path.relative_to(run)) for path in run.rglob("*") if path.is_file()} == {
        ".lock",
        "checkpoints/best.ckpt",
        "checkpoints/last.ckpt",
        "config.yaml",
        "confusion_matrix.png",
        "curves.png",
        "metrics.csv",
        "split.csv",
        "summary.json",
        "test/distances.csv",
        "test/predictions.csv",
        "val/predictions.csv",
    }
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
        assert summary[name]["value"] >= 0
        assert (summary[name]["low"], summary[name]["high"], summary[name]["too_few"]) == (None, None, "2 groups")
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
    """A new split would test on people that the checkpoint was trained on."""
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
    assert re.search(rf"\d photos? of the 8 (val|test) photos below {re.escape(str(other))}", error)
    assert str(tmp_path / "mine.ckpt") in error
    assert "--data.split" in error
    assert not (tmp_path / "lightning_logs" / "others").exists()


def test_copies_on_two_sides_of_the_runs_own_split_are_a_warning(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=10)
    for path in root.rglob("person*_1.png"):
        shutil.copy(root / "left" / "person0_0.png", path)
    checkpoint = str(fit(root) / "checkpoints" / "best.ckpt")
    with pytest.warns(UserWarning, match=rf"4 photos of the 8 test photos .*{re.escape(checkpoint)}"):
        assert main(["test", *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", checkpoint]) == 0


def test_the_last_run_is_not_resumed_with_other_photos(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two folders of one name share an experiment; each would resume the other's run."""
    run = fit(draw_folder())
    other = draw_folder("elsewhere/photos", seed=1)
    assert main([*fit_arguments(other, tmp_path, 2), "--ckpt_path", "last"]) == 2
    error = capsys.readouterr().err
    assert str(run / "checkpoints" / "last.ckpt") in error
    assert f"below {other}" in error
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
    assert str(run / "checkpoints" / "best.ckpt") in capsys.readouterr().out


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
    second = fit(root, version=1)
    assert (second / "summary.json").exists()
    assert (second.with_name("version_0") / "summary.json").read_text() == first


@pytest.mark.parametrize("options", [["--model.label_smoothing", "0.5"], ["--trainer.gradient_clip_val", "0.001"]])
def test_options_change_what_is_learnt(draw_folder: DrawFolder, fit: Fit, options: list[str]) -> None:
    root = draw_folder()
    plain, other = fit(root), fit(root, *options, version=1)
    assert (plain / "test" / "predictions.csv").read_text() != (other / "test" / "predictions.csv").read_text()


@pytest.mark.parametrize(("verbose", "told"), [("true", True), ("false", False)])
def test_the_type_of_number_is_told_only_when_asked(
    draw_folder: DrawFolder, fit: Fit, verbose: str, told: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(draw_folder(), "--precision", "fp32", "--verbose", verbose)
    (network,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("test_resnet"))
    assert ("float32" in network) == told


def test_sync_batchnorm_is_refused_on_cpus(draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    fit(draw_folder(), "--trainer.devices", "2", "--trainer.strategy", "ddp", "--trainer.sync_batchnorm", "true", code=2)
    assert "sync_batchnorm" in capsys.readouterr().err
