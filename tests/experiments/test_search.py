"""A search: one split for all, killed and resumed, with a failing backbone."""

import os
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import yaml

from posture_classifier.cli.program import main
from posture_classifier.compare.configurations import group_runs
from posture_classifier.runs.reading import read_tested_run
from tests.helpers.callbacks import KillOnce
from tests.helpers.made_runs import make_run, settings, write_table
from tests.helpers.photos import draw_photos
from tests.helpers.program import REPOSITORY, fit_arguments, refusal, rows, run_program
from tests.helpers.searches import prepare_search

CONFIG = REPOSITORY / "configs" / "search.yaml"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=10, each=2, classes=("left", "right"))


def arguments(photos: Path, output: Path, *options: str) -> list[str]:
    return ["--config", str(CONFIG), *fit_arguments(photos, output, 2)[1:], "--search.seeds", "[0]", *options]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_search_is_resumed_and_a_failing_backbone_does_not_stop_the_others(
    tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A transformer with patches of 16 pixels cannot take 40.
    backbones = ("--search.backbones", "[test_resnet,test_efficientnet,test_vit]", "--model.image_size", "40")
    diary = tmp_path / "diary"
    killer = ("--trainer.callbacks", f"{KillOnce.__module__}.KillOnce", "--trainer.callbacks.diary", str(diary))
    call = ["search", *arguments(photos, tmp_path, *backbones, *killer)]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    assert run_program(*call, env=one_thread).returncode == -signal.SIGKILL
    folder = tmp_path / "lightning_logs" / "search" / "search_0"
    finished = {path: path.stat().st_mtime_ns for path in (folder / "test_resnet-seed_0").rglob("*") if path.is_file()}
    assert any(path.name == "predictions.csv" for path in finished)
    assert not (folder / "test_vit-seed_0").exists()

    assert main(call) == 1
    said = capsys.readouterr().out
    assert f"resuming in {folder}" in said
    assert "2 of 3: test_efficientnet-seed_0" in said
    assert "failed: test_vit-seed_0: model.backbone test_vit cannot take images of 40 px" in said
    assert "trained from random weights" not in said, "as --model.pretrained false asked for"
    assert finished == {path: path.stat().st_mtime_ns for path in finished}
    assert [path.name for path in folder.parent.iterdir()] == ["search_0"]
    runs = sorted(folder.glob("*/version_*"))
    assert [run.parent.name for run in runs] == ["test_efficientnet-seed_0", "test_resnet-seed_0"], (
        "the killed one in its own folder"
    )
    assert all(rows(run / "split.csv") == rows(folder / "splits" / "all.csv") for run in runs)
    assert len(rows(runs[0] / "metrics.csv")) == 2
    assert (folder / "comparison" / "comparison.csv").exists()

    assert main(call) == 1
    said = capsys.readouterr().out
    assert "3 of 3: test_vit-seed_0" in said, "only what failed is tried again"
    assert "2 of 3" not in said


def test_all_seeds_and_settings_are_tried_on_one_division(tmp_path: Path, photos: Path) -> None:
    weights = tmp_path / "resnet.pth"
    torch.save(timm.create_model("test_resnet").state_dict(), weights)
    options = [
        "--search.backbones",
        "[test_resnet,lenet5]",
        "--search.seeds",
        "[0,1]",
        "--search.weights",
        f"{{test_resnet: {weights}}}",
    ]
    options += ["--search.settings", "{head: {}, all: {unfreezing: {open_stages: {0: all}}}}", "--model.pretrained", "true"]
    both = prepare_search(arguments(photos, tmp_path, *options))
    assert sorted(both.trainings) == sorted(
        f"{b}-{s}-seed_{n}" for b in ("test_resnet", "lenet5") for s in ("all", "head") for n in (0, 1)
    )
    assert both.without_weights == ["lenet5"], "nobody published any"
    assert len({words[words.index("--data.split") + 1] for words in both.trainings.values()}) == 1
    assert all(str(weights) in words for name, words in both.trainings.items() if name.startswith("test_resnet"))
    assert not [file for file in both.folder.glob("*.yaml") if "verbose" in file.read_text()]
    written = yaml.safe_load((both.folder / "search.yaml").read_text())
    assert list(written)[-2:] == ["search", "ckpt_path"], "as older versions wrote them"
    skipping = prepare_search(arguments(photos, tmp_path, *options, "--search.without_weights", "skip"))
    assert skipping.folder != both.folder
    assert {name.split("-")[0] for name in skipping.trainings} == {"test_resnet"}


def test_folds_test_every_photo_once(tmp_path: Path, photos: Path) -> None:
    search = prepare_search(arguments(photos, tmp_path, "--search.backbones", "[test_resnet]", "--data.folds", "3"))
    assert sorted(search.trainings) == [f"test_resnet-seed_0/fold_{n}" for n in range(3)]
    tested = [row["path"] for n in range(3) for row in rows(search.folder / "splits" / f"fold_{n}.csv") if row["split"] == "test"]
    assert len(set(tested)) == len(tested) == 40


def test_runs_of_all_folds_are_compared_as_one(tmp_path: Path, photos: Path) -> None:
    """As crossval's are; predictions are made up, since what is trained does not matter here."""
    search = prepare_search(arguments(photos, tmp_path, "--search.backbones", "[test_resnet,lenet5]", "--data.folds", "2"))
    for name in search.trainings:
        tested = [row for row in rows(search.folder / "splits" / f"{Path(name).name}.csv") if row["split"] == "test"]
        right = np.zeros(len(tested), dtype=np.bool_)
        run = make_run(search.folder / name / "version_0", right, config=settings(name.split("-")[0]))
        shutil.copy(search.folder / "splits" / f"{Path(name).name}.csv", run / "split.csv")
        table = [[row["path"], row["group"], row["label"], 0.25, 0.75] for row in tested]
        write_table(run / "test" / "predictions.csv", ["path", "group", "label", "left", "right"], table)
    results = search.results()
    assert [folder.name for folder in results] == ["test_resnet-seed_0", "lenet5-seed_0"]
    entries = group_runs([read_tested_run(folder) for folder in results])
    assert [(entry.name, entry.is_crossvalidation, len(entry.runs[0].tested)) for entry in entries] == [
        ("test_resnet", True, 40),
        ("lenet5", True, 40),
    ]
    shutil.rmtree(search.folder / "lenet5-seed_0" / "fold_1")
    assert [folder.name for folder in search.results()] == ["test_resnet-seed_0"]


def test_a_comparison_says_who_began_with_random_weights(tmp_path: Path) -> None:
    config = settings("lenet5")
    config["model"]["pretrained"] = False
    right = np.ones(10, dtype=np.bool_)
    runs = [read_tested_run(make_run(tmp_path / "a", right)), read_tested_run(make_run(tmp_path / "b", right, config=config))]
    assert [entry.name for entry in group_runs(runs)] == ["test_resnet", "lenet5 (random weights)"]
    assert [entry.name for entry in group_runs(runs[1:])] == ["lenet5"], "not where none had others"


@pytest.mark.parametrize(
    ("options", "fact"),
    [
        (["--search.backbones", "[resnet81]"], "resnet81"),
        (["--search.seeds", "[]"], "search.seeds"),
        (["--search.backbones", "[test_resnet]", "--search.weights", "{test_vit: x.pth}"], "test_vit"),
        (["--search.backbones", "[test_resnet]", "--search.weights", "{test_resnet: x.pth}"], "x.pth"),
        (["--search.settings", "{a/b: {}}"], "a/b"),
        (["--trainer.strategy", "ddp"], "trainer.strategy"),
        (["--engine", "gpus"], "--engine gpus"),
        (["--data.test_fraction", "0"], "data.test_fraction"),
        (["--search.backbones", "[lenet5]", "--model.pretrained", "true", "--search.without_weights", "skip"], "lenet5"),
        (["--no_such_option", "1"], "no_such_option"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(
    tmp_path: Path, photos: Path, options: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refusal(["search", *arguments(photos, tmp_path, *options)], capsys)
    assert fact in error
    assert not list(tmp_path.glob("lightning_logs/*/search_*"))


def test_the_shipped_list_covers_the_families() -> None:
    backbones = yaml.safe_load(CONFIG.read_text())["search"]["backbones"]
    families = (
        "alexnet",
        "vgg16",
        "googlenet",
        "resnet18",
        "resnet50",
        "densenet121",
        "seresnet50",
        "efficientnet_b0",
        "mobilenetv3",
    )
    for family in families:
        assert any(name.startswith(family) and timm.is_model(name) for name in backbones), family
