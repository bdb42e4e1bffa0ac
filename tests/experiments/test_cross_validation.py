"""Cross-validation: every photo is tested once, and a killed one is resumed."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from posture_classifier.cache.tensor_store import Rows, TensorStore
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.experiments.cross_validation import CrossValidation, hardest_groups
from posture_classifier.experiments.split_comparison import explain_gap
from posture_classifier.runs.reading import read_tested_run
from tests.helpers.bursts import draw_bursts
from tests.helpers.callbacks import KillOnce
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments, refusal, rows, run_program

FOLDS = 3


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=6, each=2, classes=("left", "right"))


def arguments(photos: Path, output: Path, *options: str) -> list[str]:
    return ["crossval", *fit_arguments(photos, output, 3)[1:], "--data.folds", str(FOLDS), *options]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_cross_validation_is_resumed_and_ends_as_if_nothing_had_happened(
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
    assert "resuming in" in capsys.readouterr().out
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
    assert run.tested.predictions.correct.mean() == summary["accuracy"]["value"], "compare takes it as one run"
    assert [len(curve) for curve in run.curves] == [3] * FOLDS
    assert summary["accuracy_of_groups"][0]["accuracy"] == min(group["accuracy"] for group in summary["accuracy_of_groups"])


def test_two_at_once_never_share_a_folder(tmp_path: Path, photos: Path) -> None:
    options = arguments(photos, tmp_path)[1:]
    with CrossValidation.prepare(options) as first, CrossValidation.prepare(options) as second:
        assert (first.folder.name, second.folder.name) == ("crossval_0", "crossval_1")
    with CrossValidation.prepare(options) as again, CrossValidation.prepare(options) as other:
        assert (again.folder.name, other.folder.name) == ("crossval_1", "crossval_0"), "both were stopped"


def test_folds_at_random_come_after_folds_of_groups(tmp_path: Path, photos: Path) -> None:
    options = arguments(photos, tmp_path)[1:]
    with CrossValidation.prepare([*options, "--compare_splits"]) as series:
        folds = [f"fold_{n}" for n in range(FOLDS)]
        assert list(series.trainings) == [*folds, *(f"random/{fold}" for fold in folds)]
        # A folder that an earlier version has begun is found by this text.
        text = (series.folder / "settings.yaml").read_text()
        assert text.startswith("# folds of: groups, random\nseed_everything: 0\n")
        assert "compare_splits" not in text
        assert "verbose" not in text
        for fold in folds:
            grouped, random = (rows(series.folder / parent / "splits" / f"{fold}.csv") for parent in ("", "random"))
            assert len({(row["group"], row["split"]) for row in grouped}) == 6
            assert len({row["group"] for row in random}) == len(random) == 24
    with CrossValidation.prepare(options) as other:
        assert other.folder != series.folder
        assert (other.folder / "settings.yaml").read_text() == text.replace("groups, random", "groups", 1)


def test_what_is_printed_decides_nothing(tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A series is resumed with another ``verbose``, and each training prints as is wanted now."""
    calls: list[list[str]] = []
    monkeypatch.setattr("posture_classifier.experiments.series_with_final.fit_quietly", lambda options, *_: calls.append(options))
    options = arguments(photos, tmp_path)[1:]
    for verbose in ("true", "false"):
        with CrossValidation.prepare([*options, "--verbose", verbose]) as series:
            assert series.folder.name == "crossval_0"
            series.train_folds()
        assert [call[call.index("--verbose") + 1] for call in calls[-FOLDS:]] == [verbose] * FOLDS


@pytest.mark.slow
def test_the_users_own_cache_is_kept(tmp_path: Path, photos: Path) -> None:
    cache = tmp_path / "cache"
    assert main(arguments(photos, tmp_path, "--cache.keep", "true", "--cache.folder", str(cache), "--trainer.max_epochs", "1")) == 0
    assert len(list(cache.iterdir())) == 2, "pixels and activations, shared by all folds"


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--data.folds", "null"], "data.folds"),
        (["--data.fold", "1"], "data.fold 1"),
        (["--data.folds", "7"], "data.folds 7"),
        (["--ckpt_path", "last"], "--ckpt_path"),
        (["--model.weights_source", "timm"], "model.weights_source"),
        (["--trainer.strategy", "ddp"], "trainer.strategy"),
        (["--engine", "gpus"], "--engine gpus"),
        (["--engine", "cluster"], "--engine"),
        (["--data.group_pattern", "null", "--compare_splits"], "--compare_splits"),
        (["--compare_splits", "maybe"], "maybe"),
        (["--data.holdout_groups", "[person0]"], "data.holdout_groups"),
        (["--no_such_option", "1"], "no_such_option"),
    ],
)
def test_what_cannot_be_cross_validated_is_one_sentence(
    tmp_path: Path, photos: Path, options: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(arguments(photos, tmp_path, *options), capsys)
    assert fact in error
    assert not list(tmp_path.glob("lightning_logs/*/crossval_*"))


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.1, 0.2, 0.3, "Folds at random flatter by +20.0 points"),
        (-0.061, 0.349, 0.759, "8 groups cannot settle whether"),
        (-0.061, 0.349, 0.759, "up to 76 points may be flattery"),
        (-0.9, 0.2, 1.3, "up to 100 points may be flattery"),
        (-0.03, 0.0, 0.06, "8 groups cannot settle whether"),
        (-0.05, 0.0, 0.05, "No leak shows here"),
        (-0.3, -0.2, -0.1, "do not flatter"),
        (None, 0.3, None, "8 groups cannot settle whether"),
        (None, 0.3, None, "+30.0 points of accuracy beside"),
    ],
)
def test_the_gap_is_put_into_words(low: float | None, value: float, high: float | None, words: str) -> None:
    meaning = explain_gap({"low": low, "value": value, "high": high}, 8)
    assert words in meaning
    assert ("No leak shows" in meaning) == (high == 0.05)


def test_groups_without_a_mistake_are_not_hard() -> None:
    groups = [{"group": "anna", "images": 4, "accuracy": 0.5}, {"group": "ben", "images": 4, "accuracy": 1.0}]
    assert "anna 0.500 (0.150 to 0.850) on 4 photos" in hardest_groups(groups)
    assert "ben" not in hardest_groups(groups)
    assert hardest_groups(groups[1:]) == hardest_groups([]) == ""


@pytest.mark.slow
def test_bursts_make_a_random_split_lie(tmp_path: Path) -> None:
    """Classes say nothing about the scenes, so a network can only learn to know a scene again."""
    root = draw_bursts(tmp_path / "bursts", n_scenes=12, shots=6)
    options = [
        "--data.root",
        str(root),
        "--data.group_by",
        "cluster",
        "--data.folds",
        "3",
        "--data.val_fraction",
        "0.4",
        "--data.augmentation",
        "[]",
    ]
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
