"""Whatever a user can get wrong is one clear sentence and exit code 2, before any training."""

import os
import shutil
import stat
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder, bomb
from tests.helpers.program import fit_arguments

Spoil = Callable[[Path], None]


def remove_root(root: Path) -> None:
    shutil.rmtree(root)


def empty_class(root: Path) -> None:
    (root / "empty").mkdir()


def one_class(root: Path) -> None:
    shutil.rmtree(root / "right")


def no_class(root: Path) -> None:
    shutil.rmtree(root / "left")
    shutil.rmtree(root / "right")


def truncate(root: Path) -> None:
    path = root / "left" / "person1_1.png"
    path.write_bytes(path.read_bytes()[:1000])


def no_bytes(root: Path) -> None:
    (root / "left" / "person1_1.png").write_bytes(b"")


def text(root: Path) -> None:
    (root / "left" / "person1_x.jpg").write_text("hello")


def decompression_bomb(root: Path) -> None:
    bomb(root / "left" / "person1_x.png")


def broken_link(root: Path) -> None:
    (root / "left" / "person1_x.png").symlink_to(root / "nowhere.png")


def pipe(root: Path) -> None:
    """Whoever opened it would wait for ever."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("Windows has no pipes among its files")
    os.mkfifo(root / "left" / "person1_x.png")


def few_people(root: Path) -> None:
    for path in root.rglob("person[2345]*"):
        path.unlink()


def nothing(root: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("spoil", "options", "expected"),
    [
        (remove_root, [], ["/photos ", "<class>"]),
        (no_class, [], ["/photos ", "<class>"]),
        (empty_class, [], ["/photos/empty "]),
        (one_class, [], ["/photos ", "(left)"]),
        (nothing, ["--data.group_pattern", "nobody"], ["group_pattern", "'nobody'"]),
        (nothing, ["--data.group_pattern", "(person"], ["group_pattern", "'(person'"]),
        (nothing, ["--data.group_pattern", "person[01]"], ["group_pattern", "16 of 24"]),
        (few_people, [], ["class left", "2 groups", "3 splits"]),
        (nothing, ["--data.val_fraction", "0.9"], ["val_fraction", "0.9"]),
        (nothing, ["--data.split", "nowhere.csv"], ["nowhere.csv"]),
        (nothing, ["--data.batch_size", "0"], ["batch_size", " 0"]),
        (truncate, [], ["1 of 24 files", "left/person1_1.png", "data.on_error"]),
        (no_bytes, [], ["left/person1_1.png"]),
        (text, [], ["left/person1_x.jpg"]),
        (broken_link, [], ["left/person1_x.png"]),
        (pipe, [], ["left/person1_x.png"]),
        (decompression_bomb, [], ["left/person1_x.png", "179 million"]),
        (nothing, ["--model.backbone", "resnet81"], ["'resnet81'", "resnet18"]),
        (nothing, ["--model.bakbone", "resnet18"], ["bakbone"]),
        (nothing, ["--model.learning_rate", "fast"], ["learning_rate", "fast"]),
        (nothing, ["--model.class_weights", "[1, 2, 3]"], ["class_weights", "[1.0, 2.0, 3.0]"]),
        (nothing, ["--model.image_size", "0"], ["model.image_size", " 0", " 16"]),
        (nothing, ["--model.backbone", "test_vit", "--model.image_size", "33"], ["test_vit", "33 px"]),
        (nothing, ["--model.backbone", "resnet18.nope"], ["model.backbone", "resnet18.nope"]),
        (nothing, ["--model.learning_rate", "-1"], ["learning_rate", "-1.0"]),
        (nothing, ["--model.layer_decay", "0"], ["layer_decay", "0.0"]),
        (nothing, ["--model.label_smoothing", "2"], ["label_smoothing", "2.0"]),
        (nothing, ["--data.num_workers", "-1"], ["num_workers", "-1"]),
        (nothing, ["--data.augmentation", "flip"], ["data.augmentation", "flip"]),
        (nothing, ["--trainer.devices", "0"], ["trainer", "devices"]),
        (nothing, ["--trainer.accelerator", "abacus"], ["trainer", "abacus"]),
        (nothing, ["--trainer.precision", "half"], ["trainer.precision", "half"]),
        (nothing, ["--unfreezing.open_stages", "{-1: 2}"], ["open_stages"]),
        # YAML 1.1 reads 1:3 as a number of base 60.
        (nothing, ["--unfreezing.open_stages", "{1:3}"], ["open_stages", "space after each colon"]),
        (nothing, ["--unfreezing.open_stages", "{1:3, 2:4}"], ["open_stages", "space after each colon"]),
        (nothing, ["--unfreezing.every_n_epochs", "2", "--unfreezing.open_stages", "{1: 2}"], ["every_n_epochs", "open_stages"]),
        (nothing, ["--unfreezing.warmup_epochs", "-1"], ["warmup_epochs", "-1.0"]),
        (nothing, ["--trainer.strategy", "ddp_spawn"], ["trainer.strategy", "ddp_spawn", "ddp"]),
        (nothing, ["--seed_everything", "-1"], ["seed_everything", "-1"]),
        (nothing, ["--seed_everything", "4294967296"], ["seed_everything", "4294967296"]),
        (nothing, ["--model.weights_source", "timm"], ["model.weights_source"]),
        (nothing, ["--ckpt_path", "last"], ["lightning_logs/photos", "last.ckpt", "--ckpt_path"]),
        (nothing, ["--ckpt_path", "nowhere.ckpt"], ["nowhere.ckpt"]),
        (nothing, ["--config", "nowhere.yaml"], ["nowhere.yaml"]),
        (nothing, ["--trainer.accumulate_grad_batches", "0"], ["trainer.accumulate_grad_batches", " 0"]),
        (nothing, ["--trainer.limit_test_batches", "0"], ["trainer.limit_test_batches", " 0"]),
        (nothing, ["--trainer.accelerator", "tpu"], ["trainer", "torch_xla"]),
        (nothing, ["--data.batch_size", "9" * 401], ["data.batch_size", "401 digits"]),
        (nothing, ["--data.group_pattern", "(" * 5000 + ")" * 5000], ["group_pattern"]),
        (nothing, ["--experiment", "../elsewhere"], ["--experiment", "../elsewhere"]),
        (nothing, ["--experiment", "a/../../elsewhere"], ["--experiment"]),
        (nothing, ["--experiment", "/elsewhere"], ["--experiment", "/elsewhere"]),
        (nothing, ["--experiment", "a\x1b[2Jb"], ["--experiment", "a\ufffd[2Jb"]),
    ],
)
def test_one_sentence_and_exit_code_2(
    tmp_path: Path,
    draw_folder: DrawFolder,
    capsys: pytest.CaptureFixture[str],
    spoil: Spoil,
    options: list[str],
    expected: list[str],
) -> None:
    root = draw_folder()
    spoil(root)
    assert main([*fit_arguments(root, tmp_path, 1), *options]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error
    for part in expected:
        assert part in error
    assert not (tmp_path / "lightning_logs").exists(), "nothing was begun"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["fit", "--data.rot", "x"], ["--data.rot ", "did you mean --data.root?"]),
        (["fit", "--batch_size", "3"], ["--batch_size", "did you mean --data.batch_size?"]),
        (["fit", "--root=x"], ["--root ", "did you mean --data.root?"]),
        (["fit"], ["missing: --data.root"]),
        (["fit", "--data.root", "x", "--data.batch_size", "many"], ["--data.batch_size: ", "whole number", "many"]),
        (["fit", "--data.root", "x", "--data.group_by", "name"], ["--data.group_by: ", "name"]),
        (["fit", "--data.root", "x", "--report", "false", "y"], ["'y'"]),
        (["check", "x", "--group_patern", "y"], ["--group_patern ", "did you mean --group_pattern?"]),
        (["check"], ["missing: root"]),
        (["predict", "mine.yaml", "a.jpg"], ["mine.yaml is a settings file", "best.ckpt"]),
    ],
)
def test_options_are_named_as_they_are_typed(words: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "fit." not in error
    for part in expected:
        assert part in error


def test_unknown_key_in_a_config_file(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("model:\n  backbone: test_resnet\n  colour: blue\n")
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), "--config", str(config)]) == 2
    assert "model.colour" in capsys.readouterr().err


def test_a_config_that_is_a_photo(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_folder()
    assert main([*fit_arguments(root, tmp_path, 1), "--config", str(root / "left" / "person0_0.png")]) == 2
    assert "--config" in capsys.readouterr().err


MANY = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[" * 5000, "YAML"),
        ("data: " + "[" * 5000 + "]" * 5000, "YAML"),
        (MANY, "YAML"),
        ("data: &data {root: *data}", "YAML"),
        ("trainer: []", "trainer"),
        ("trainer: null", "trainer"),
        ("unfreezing: 3", "unfreezing"),
        ("model: [1]", "model"),
        ("- 1", "- 1"),
        ("model: {layer_decay: null}", "model.layer_decay"),
        ("data: {batch_size: " + "9" * 5000 + "}", "digits"),
        ("model: {learning_rate: " + "9" * 401 + "}", "too large"),
        ('data: {root: "a\\0b"}', "data.root"),
    ],
)
def test_a_config_of_another_form(
    tmp_path: Path, draw_folder: DrawFolder, text: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nor does it take gigabytes or a second."""
    config = tmp_path / "mine.yaml"
    config.write_text(text)
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), "--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert expected in error


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.slow)])
def test_a_photo_that_is_removed_meanwhile(
    tmp_path: Path, draw_folder: DrawFolder, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every epoch reads the photos; torch hands the error of a process on with its traceback."""
    root = draw_folder()
    photo = root / "left" / "person1_1.png"
    callback = f"[{{class_path: tests.helpers.callbacks.RemovesPhoto, init_args: {{path: '{photo}'}}}}]"
    options = ["--cache.enabled", "false", "--trainer.callbacks", callback, "--data.num_workers", str(workers)]
    assert main([*fit_arguments(root, tmp_path, 3), *options]) == 2
    error = capsys.readouterr().err
    assert error.splitlines()[-1].startswith("error: ")
    assert str(photo) in error.splitlines()[-1]
    assert "Traceback" not in error


@pytest.mark.parametrize(
    "callback",
    [
        "os.system",
        "[{class_path: LambdaCallback, init_args: {setup: os.system}}]",
        "[{class_path: LambdaCallback, init_args: {setup: {class_path: subprocess.Popen, init_args: {args: [touch, called]}}}}]",
    ],
)
def test_a_config_starts_no_program(
    tmp_path: Path, draw_folder: DrawFolder, callback: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come from somebody else, and names classes and functions of the trainer's options."""
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "shared.yaml"
    config.write_text(f"trainer: {{callbacks: {callback}}}")
    assert main([*fit_arguments(draw_folder(), tmp_path, 1), "--config", str(config)]) == 2
    assert "trainer.callbacks" in capsys.readouterr().err
    assert not (tmp_path / "called").exists()
    assert not (tmp_path / "lightning_logs").exists()


def test_all_photos_of_a_class_unreadable(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_folder()
    for path in (root / "left").iterdir():
        path.write_text("no photo")
    assert main([*fit_arguments(root, tmp_path, 1), "--data.on_error", "skip"]) == 2
    assert "class left" in capsys.readouterr().err


def test_a_training_that_diverges(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--unfreezing.open_stages", "{0: all}", "--model.learning_rate", "1e30", "--model.optimizer", "sgd"]
    assert main([*fit_arguments(draw_folder(), tmp_path, 3), *options]) == 2
    assert "diverged" in capsys.readouterr().err


def test_all_unreadable_files_are_listed_at_once(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    for spoil in (truncate, text, decompression_bomb):
        spoil(root)
    shutil.copy(root / "left/person1_0.png", root / "left/person1_\udce9.png")
    assert main([*fit_arguments(root, tmp_path, 1), "--data.group_by", "none"]) == 2
    error = capsys.readouterr().err
    assert "4 of 27 files" in error
    assert all(name in error for name in ("person1_1.png", "person1_x.jpg", "person1_x.png", "UTF-8"))


def test_unreadable_files_can_be_skipped(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    text(root)
    truncate(root)
    with pytest.warns(UserWarning, match="2 .*25"):
        assert main([*fit_arguments(root, tmp_path, 1), "--data.on_error", "skip"]) == 0
    split = (tmp_path / "lightning_logs" / root.name / "version_0" / "split.csv").read_text()
    assert len(split.splitlines()) == 1 + 23


def test_a_leaking_split_of_the_user_is_refused(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train", "test"):
        shutil.move(draw_folder(f"x{name}"), tmp_path / "own" / name)
    assert main(fit_arguments(tmp_path / "own", tmp_path, 1)) == 2
    error = capsys.readouterr().err
    assert "6 groups" in error
    assert "person0" in error


def test_an_unwritable_output_folder(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    """A file where the folder should be: nobody, not even root, can write below it."""
    output = tmp_path / "output"
    output.mkdir()
    (output / "lightning_logs").write_text("a file")
    output.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert main(fit_arguments(draw_folder(), output, 1)) == 2
    error = capsys.readouterr().err
    assert str(output / "lightning_logs" / "photos") in error
    assert "--trainer.default_root_dir" in error


def test_a_checkpoint_of_other_classes(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(fit_arguments(draw_folder(), tmp_path, 1)) == 0
    checkpoint = tmp_path / "lightning_logs" / "photos" / "version_0" / "checkpoints" / "best.ckpt"
    other = draw_folder("others", classes=("up", "down"))
    assert main(["test", *fit_arguments(other, tmp_path, 1)[1:], "--ckpt_path", str(checkpoint)]) == 2
    error = capsys.readouterr().err
    assert all(fact in error for fact in (str(checkpoint), "left, right", str(other), "down, up"))


@pytest.mark.parametrize(
    ("command", "meant"), [("fitt", "fit"), ("fti", "fit"), ("crosval", "crossval"), ("--fit", "fit"), ("xyz", None)]
)
def test_an_unknown_command(command: str, meant: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command]) == 2
    error = capsys.readouterr().err
    assert f"'{command}'" in error
    assert ("did you mean" in error) == (meant is not None)
    assert meant is None or f"did you mean {meant}?" in error
    assert "fit, validate, test, " in error


@pytest.mark.parametrize("command", ["validate", "test"])
def test_evaluation_needs_a_checkpoint(
    tmp_path: Path, draw_folder: DrawFolder, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, *fit_arguments(draw_folder(), tmp_path, 1)[1:]]) == 2
    error = capsys.readouterr().err
    assert command in error
    assert "--ckpt_path" in error
