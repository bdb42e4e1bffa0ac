"""Cross-validation: every photo is tested once, a killed one goes on, and a random split is seen through."""

import csv
import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageEnhance
from torch import Tensor

from posture_classifier.cache.tensor_store import Rows, TensorStore
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.scan.near_duplicates import connect
from posture_classifier.data.scan.scene_groups import merge_similar, scene_groups
from posture_classifier.experiments.cross_validation import CrossValidation
from posture_classifier.experiments.pooled_predictions import meaning
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.arguments import Rest, parse_call
from tests.helpers.callbacks import KillOnce
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments, run_program

FOLDS = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=6, each=2, classes=("left", "right"))


def arguments(photos: Path, output: Path, *options: str) -> list[str]:
    return ["crossval", *fit_arguments(photos, output, 3)[1:], "--data.folds", str(FOLDS), *options]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_cross_validation_goes_on_and_ends_as_if_nothing_had_happened(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    diary = tmp_path / "diary"
    killer = ("--trainer.callbacks", f"{KillOnce.__module__}.KillOnce", "--trainer.callbacks.diary", str(diary))
    call = arguments(photos, tmp_path, *killer)
    assert run_program(*call).returncode == -signal.SIGKILL
    folder = tmp_path / "lightning_logs" / "photos" / "crossval_0"
    assert not (folder / "summary.json").exists()
    finished = {path: path.stat().st_mtime_ns for path in (folder / "fold_0").rglob("*") if path.is_file()}
    assert sorted(path.name for path in folder.glob("fold_*")) == ["fold_0", "fold_1"]

    assert main(call) == 0
    assert "going on in" in capsys.readouterr().out
    assert finished == {path: path.stat().st_mtime_ns for path in (folder / "fold_0").rglob("*") if path.is_file()}
    assert [path.name for path in folder.parent.iterdir()] == ["crossval_0"]
    assert len(list(folder.glob("fold_*/version_*"))) == FOLDS, "the killed fold went on in its own folder"

    computed: list[int] = []
    write = TensorStore.write

    def counted(self: TensorStore, at: Rows, values: Tensor) -> None:
        computed.append(len(at))
        write(self, at, values)

    monkeypatch.setattr(TensorStore, "write", counted)
    assert main(call) == 0, "the killer has had its turn"
    whole = folder.with_name("crossval_1")
    assert (whole / "predictions.csv").read_text() == (folder / "predictions.csv").read_text()
    assert sum(computed) == 2 * 24, "pixels and activations of every photo once, whatever the number of folds"
    assert not list(folder.parent.glob("crossval_*/cache"))

    predictions, summary = rows(whole / "predictions.csv"), json.loads((whole / "summary.json").read_text())
    assert [row["path"] for row in predictions] == read_folder(photos).paths.tolist()
    assert {(row["group"], row["fold"]) for row in predictions} == {(row["group"], row["fold"]) for row in predictions[::2]}
    assert len({(row["group"], row["fold"]) for row in predictions}) == 6, "a person is in one fold"
    right = np.array([(float(row["left"]) > 0.5) == (row["label"] == "left") for row in predictions])
    assert summary["accuracy"]["value"] == pytest.approx(right.mean())
    assert (summary["images"], summary["groups"], len(summary["runs"])) == (24, 6, FOLDS)
    for entry in summary["accuracy_of_groups"]:
        own = [row["group"] == entry["group"] for row in predictions]
        assert entry["accuracy"] == pytest.approx(right[own].mean())
    run = read_tested_run(whole)
    assert run.tested.predictions.accuracy == summary["accuracy"]["value"], "compare takes it as one run"
    assert [len(curve) for curve in run.curves] == [3] * FOLDS
    assert summary["accuracy_of_groups"][0]["accuracy"] == min(group["accuracy"] for group in summary["accuracy_of_groups"])


def test_two_at_once_never_share_a_folder(tmp_path: Path, photos: Path) -> None:
    options = arguments(photos, tmp_path)[1:]
    with CrossValidation.prepared(options, False) as first, CrossValidation.prepared(options, False) as second:
        assert (first.folder.name, second.folder.name) == ("crossval_0", "crossval_1")
    with CrossValidation.prepared(options, False) as again, CrossValidation.prepared(options, False) as other:
        assert (again.folder.name, other.folder.name) == ("crossval_1", "crossval_0"), "both were stopped"


def test_the_users_own_cache_is_kept(tmp_path: Path, photos: Path) -> None:
    cache = tmp_path / "cache"
    assert main(arguments(photos, tmp_path, "--cache.keep", "true", "--cache.folder", str(cache), "--trainer.max_epochs", "1")) == 0
    assert len(list(cache.iterdir())) == 2, "pixels and activations, shared by all folds"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data.folds", "null"], "crossval needs data.folds"),
        (["--data.fold", "1"], "leave data.fold 1 out"),
        (["--data.folds", "7"], "6 groups, fewer than data.folds 7"),
        (["--ckpt_path", "last"], "no run below"),
        (["--trainer.strategy", "ddp"], "on one device"),
        (["--data.group_pattern", "null", "--compare_splits"], "--compare_splits needs groups"),
        (["--data.holdout_groups", "[person0]"], "data.folds and data.holdout_groups each say"),
        (["--no_such_option", "1"], "no_such_option"),
    ],
)
def test_what_cannot_be_cross_validated_is_one_sentence(
    tmp_path: Path, photos: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(photos, tmp_path, *options)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("lightning_logs/*/crossval_*"))


def test_a_tool_may_pass_on_what_it_does_not_know() -> None:
    def tool(others: Rest, loud: bool = False, size: int = 3) -> None: ...

    words = ["--config", "a.yaml", "--loud", "--size=4", "--data.root", "x", "--list", "--dash"]
    parsed = parse_call(tool, words, prog="test")
    assert parsed == {"others": ["--config", "a.yaml", "--data.root", "x", "--list", "--dash"], "loud": True, "size": 4}


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [(0.1, 0.2, 0.3, "flatter by +20.0 points"), (-0.1, 0.0, 0.1, "within chance"), (-0.3, -0.2, -0.1, "do not flatter")],
)
def test_the_gap_is_put_into_words(low: float, value: float, high: float, words: str) -> None:
    assert words in meaning({"low": low, "value": value, "high": high})


def make_bursts(root: Path, n_scenes: int, shots: int) -> Path:
    """Random crops of bundled photos, half mirrored and of other brightness, in classes that say nothing about the scene."""
    generator = np.random.default_rng(0)
    for scene in range(n_scenes):
        (picture,) = (REPOSITORY / "data" / "turtle_neck").glob(f"*/subject-{scene:02}_00.jpg")
        label = root / ("a", "b")[scene % 2]
        label.mkdir(parents=True, exist_ok=True)
        for shot in range(shots):
            image: Image.Image = Image.open(picture)
            side = int(256 * generator.uniform(0.85, 1))
            x, y = generator.integers(0, 256 - side + 1, 2)
            image = ImageEnhance.Brightness(image.crop((x, y, x + side, y + side))).enhance(generator.uniform(0.8, 1.2))
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if generator.random() < 0.5 else image
            image.save(label / f"{generator.integers(10**9)}_{scene}_{shot}.jpg", quality=int(generator.integers(70, 95)))
    return root


def ignore(done: int, n: int) -> None:
    """Nobody looks at the progress."""


def scene_of(path: str) -> str:
    return path.split("_")[1]


def test_a_burst_is_one_group(tmp_path: Path) -> None:
    photos = read_folder(make_bursts(tmp_path / "bursts", 10, 5))
    groups = scene_groups(photos, ignore)
    pairs = {(scene_of(path), group) for path, group in zip(photos.paths.tolist(), groups.tolist(), strict=True)}
    assert len(pairs) == len(set(groups.tolist())) == 10
    backwards = np.arange(len(photos))[::-1]
    assert scene_groups(photos.select(backwards), ignore).tolist() == groups[backwards].tolist()


def test_links_are_followed() -> None:
    angles = np.array([0.0, 0.3, 0.6, 3.0, 3.1, 4.7])
    features = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    assert merge_similar(features, np.arange(6)).tolist() == [0, 0, 0, 3, 3, 5]
    assert merge_similar(features, connect(6, [(5, 4)])).tolist() == [0, 0, 0, 3, 3, 3], "what pixels have joined stays together"


@pytest.mark.slow
def test_bursts_make_a_random_split_lie(tmp_path: Path) -> None:
    """Classes say nothing about the scenes, so all that a network can learn is to know a scene again."""
    root = make_bursts(tmp_path / "bursts", n_scenes=12, shots=6)
    options = ["--data.root", str(root), "--data.group_by", "cluster", "--data.folds", "3", "--data.augmentation", "[]"]
    options += ["--data.num_workers", "0", "--model.backbone", "tf_efficientnet_lite0", "--model.image_size", "96"]
    options += ["--model.learning_rate", "0.01", "--trainer.max_epochs", "12", "--trainer.default_root_dir", str(tmp_path)]
    options += ["--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu"]
    assert main(["crossval", "--compare_splits", *options]) == 0
    summary: dict[str, Any] = json.loads((tmp_path / "lightning_logs" / "bursts" / "crossval_0" / "summary.json").read_text())
    assert summary["groups"] == 12
    assert summary["random"]["accuracy"]["value"] > 0.9
    assert summary["accuracy"]["low"] < 0.5 + 1e-9
    assert summary["gap"]["low"] > 0
    assert summary["meaning"].startswith("Folds at random flatter by")


def test_clusters_need_no_pattern_in_fit(tmp_path: Path) -> None:
    root = make_bursts(tmp_path / "bursts", 8, 2)
    call = fit_arguments(root, tmp_path, 1)
    assert main([*call, "--data.group_pattern", "null", "--data.group_by", "cluster"]) == 0
    split = rows(tmp_path / "lightning_logs" / "bursts" / "version_0" / "split.csv")
    assert len({(scene_of(row["path"]), row["split"]) for row in split}) == 8
