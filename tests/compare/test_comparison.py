"""``compare``: run folders in, the verdict out."""

import csv
import json
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml

from posture_classifier.cli.program import main
from posture_classifier.compare.configurations import collect, different_settings
from posture_classifier.runs.predictions import NotTestedError
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.errors import UserError
from tests.helpers.made_runs import make_run, settings, some_right
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two seeds of a good network, a cheaper one that is about as good, and a bad one; 100 photos of 20 groups."""
    for seed in (0, 1):
        make_run(tmp_path / f"good/version_{seed}", some_right(0.9, seed), config=settings("test_resnet", seed))
    make_run(tmp_path / "cheap/version_0", some_right(0.88, 2), config=settings("test_vit"))
    make_run(tmp_path / "bad/version_0", some_right(0.5, 3), config=settings("test_efficientnet"))
    return tmp_path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_cheapest_of_those_that_cannot_be_told_apart_is_recommended(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = runs / "comparison"
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(output)]) == 0
    said = capsys.readouterr().out
    table = {row["entry"]: row for row in rows(output / "comparison.csv")}
    assert list(table)[2] == "test_efficientnet"
    assert table["test_efficientnet"]["standing"] == "behind"
    assert float(table["test_efficientnet"]["p"]) < 0.05
    tied = [table[name] for name in ("test_resnet", "test_vit")]
    assert {row["standing"] for row in tied} == {"best", "not told apart"}
    cheapest = min(tied, key=lambda row: int(row["multiply_adds"]))
    assert [row["entry"] for row in table.values() if row["recommended"] == "True"] == [cheapest["entry"]]
    assert f"Take {cheapest['entry']}: it is the cheapest" in said
    assert "more groups (some" in said or "no number of groups" in said
    row = table["test_resnet"]
    right = np.mean([some_right(0.9, seed) for seed in (0, 1)])
    assert float(row["accuracy"]) == pytest.approx(right)
    assert float(row["accuracy_low"]) < right < float(row["accuracy_high"])
    assert (row["seeds"], row["photos"], row["groups"], row["seconds"]) == ("2", "100", "20", "3.0")

    page = (output / "comparison.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    for words in ("100 photos of 20 groups", "model.backbone", "What would settle it", "person0", "compare --measure"):
        assert words in page
    before = page
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(output)]) == 2
    assert "add --overwrite true" in capsys.readouterr().err
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(output), "--overwrite"]) == 0
    assert (output / "comparison.html").read_text(encoding="utf-8") == before, "it repeats to the byte"


def test_where_seeds_differ_most_more_seeds_are_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, shares in {"test_resnet": (0.95, 0.6), "test_vit": (0.9, 0.7)}.items():
        for seed, share in enumerate(shares):
            make_run(tmp_path / name / f"version_{seed}", some_right(share, seed), config=settings(name, seed))
    assert main(["compare", str(tmp_path / "*" / "version_*")]) == 0
    assert "since the spread of their seeds may explain it; train more seeds." in capsys.readouterr().out


def test_many_entries_and_groups_fit_on_a_printed_page(tmp_path: Path) -> None:
    for number in range(8):
        config = settings()
        config["model"]["learning_rate"] = 0.1 / (number + 1)
        make_run(tmp_path / f"rates/version_{number}", some_right(0.9, number, n=500), config=config)
    assert main(["compare", str(tmp_path / "rates" / "*"), "--output", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "comparison.html").read_text(encoding="utf-8")
    assert "By group (of so many photos), the hardest first; 85 easier ones are not shown" in page
    heights = [int(height) for height in re.findall(r'viewBox="0 0 \d+ (\d+)"', page)]
    assert len(heights) == 6
    assert max(heights) < 750, "CSS pixels; a sheet has some 1000, and shows them a little larger"


def test_runs_of_fit_are_compared(tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_folder(people=10)
    first = fit(root)
    second = fit(root, "--data.split", str(first / "split.csv"), "--seed_everything", "1", version=1)
    (entry,) = collect([read_tested_run(first), read_tested_run(second)])
    assert len(entry.runs) == 2, "the first run's own split is that which the second was given"
    config = yaml.safe_load((second / "config.yaml").read_text())
    config["model"]["learning_rate"] = 0.1
    (second / "config.yaml").write_text(yaml.safe_dump(config))
    entries = collect([read_tested_run(first), read_tested_run(second)])
    assert different_settings(entries) == {"model.learning_rate": [0.001, 0.1]}
    assert [entry.name for entry in entries] == ["learning_rate 0.001", "learning_rate 0.1"]
    summary = json.loads((first / "summary.json").read_text())
    assert main(["compare", str(first)]) == 0
    assert f"{summary['log_loss']['value']:.3f}" in capsys.readouterr().out


def test_different_test_photos_are_refused(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_run(runs / "other/version_0", some_right(0.9, 5, n=110), config=settings("resnet18"))
    assert main(["compare", str(runs / "*" / "version_*")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "1 of 5 runs were tested on other photos" in error
    assert "other/version_0 alone was tested on 10 (left/person020_0100.png" in error
    assert f"--data.split {runs}/" in error


def test_no_cross_validations_split_is_offered_since_it_has_none(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        folder = make_run(runs / name / "crossval_0", some_right(0.9, 5, n=110), config=settings(name, folds=5))
        (folder / "config.yaml").rename(folder / "settings.yaml")
        (folder / "test" / "predictions.csv").rename(folder / "predictions.csv")
        (folder / "split.csv").unlink()
    assert main(["compare", str(runs / "?" / "crossval_0"), str(runs / "bad" / "version_0")]) == 2
    error = capsys.readouterr().err
    assert "1 of 3 runs were tested on other photos" in error
    assert "--data.split" not in error


def test_other_labels_of_the_same_photos_are_refused(runs: Path) -> None:
    changed = runs / "bad/version_0/test/predictions.csv"
    changed.write_text(changed.read_text().replace("person000,left,", "person000,right,", 1))
    with pytest.raises(UserError, match="different classes or labels"):
        collect([read_tested_run(runs / name / "version_0") for name in ("good", "bad")])


def test_a_killed_run_is_left_out_and_said(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (runs / "bad/version_0/test/predictions.csv").unlink()
    cut = runs / "cheap/version_0/test/predictions.csv"
    cut.write_text(cut.read_text()[:-200])
    assert main(["compare", str(runs / "*" / "version_*"), "--output", str(runs / "out")]) == 1
    said = capsys.readouterr().out
    assert "left out: " in said
    assert "bad/version_0 has no test results" in said
    assert "cheap/version_0/test/predictions.csv" in said
    assert "is alone, so there is nothing to compare it with" in said
    assert "bad/version_0 has no test results" in (runs / "out" / "comparison.html").read_text()
    assert main(["compare", str(runs / "bad" / "*")]) == 2
    assert "none of the runs has test results" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere/*"], "nowhere/* matches no folder"),
        (["{runs}/bad/version_0/test"], "is no run folder, since it has no config.yaml; give what fit or crossval wrote"),
        (["{runs}/good"], "give its runs as '{runs}/good/version_*'"),
        (["{runs}"], "give its runs as '{runs}/*/version_*'"),
        (["{runs}/good/version_0", "--metric", "speed"], "metric"),
        (["{runs}/good/version_0", "--wandb_group", "g"], "--wandb_group g needs wandb:entity/project"),
        (["{runs}/good/version_0", "--output", "no/such/folder"], "make no/such first"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(
    runs: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *(word.format(runs=runs) for word in arguments)]) == 2
    error = capsys.readouterr().err
    assert message.format(runs=runs) in error
    assert error.count("\n") == 1


def test_what_is_one_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def run(name: str, **changes: Any) -> Path:
        config = settings(seed=changes.pop("seed", 0))
        for key, value in changes.items():
            config[key] = config[key] | value if isinstance(value, dict) else value
        return make_run(tmp_path / name / "version_0", some_right(0.9, 0), config=config)

    elsewhere = {
        "default_root_dir": "elsewhere",
        "callbacks": [{"class_path": "posture_classifier.callbacks.wandb_report.WandbReport"}],
    }
    folders = [
        run("a"),
        run("b", seed=1, experiment="b", trainer=elsewhere),
        run("c", seed=1),
        run("d", model={"learning_rate": 0.1}),
        run("e", trainer={"callbacks": [{"class_path": "EMAWeightAveraging"}]}),
        run("f", precision="fp32"),
    ]
    entries = collect([read_tested_run(folder) for folder in folders])
    assert [[run.experiment for run in entry.runs] for entry in entries] == [["a", "c"], ["d"], ["e"], ["f"]], (
        "of one seed the last counts"
    )
    assert set(different_settings(entries)) == {"model.learning_rate", "trainer.callbacks", "precision"}
    assert main(["compare", *map(str, folders)]) == 0
    assert "of which the last counts: 1" in capsys.readouterr().out


def test_another_split_of_the_training_photos_is_another_configuration(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name / "version_0", some_right(0.9, 0)) for name in ("a", "b")]
    split = folders[1] / "split.csv"
    split.write_text(split.read_text().replace("left/x.png", "left/y.png"))
    assert len(collect([read_tested_run(folder) for folder in folders])) == 2
    for folder in folders:  # drawn by the seed, rather than given
        (folder / "config.yaml").write_text(yaml.safe_dump(settings(seed=int(folder == folders[0]), split=None)))
    assert len(collect([read_tested_run(folder) for folder in folders])) == 1


def test_an_offline_folder_of_wandb_stands_for_its_run(runs: Path) -> None:
    offline = runs / "good/version_0/wandb/offline-run-20260101_000000-abc"
    offline.mkdir(parents=True)
    assert read_tested_run(offline).tested.paths.tolist() == read_tested_run(runs / "good/version_0").tested.paths.tolist()


def test_wandb_out_of_reach_is_one_sentence(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(**_: Any) -> None:
        raise wandb.errors.CommError("no route to host")

    monkeypatch.setattr(wandb, "Api", refuse)
    assert main(["compare", "wandb:me/project"]) == 2
    assert "wandb:me/project cannot be read (no route to host); run wandb login, or compare run folders" in capsys.readouterr().err


def test_a_backbone_that_timm_lacks_has_no_costs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("of_mine", "of_others"):
        make_run(tmp_path / name, some_right(0.9, 0), config=settings(name))
    assert main(["compare", str(tmp_path / "of_*"), "--output", str(tmp_path / "out")]) == 0
    assert "their values are equal" in capsys.readouterr().out
    assert all(row["multiply_adds"] == "" for row in rows(tmp_path / "out" / "comparison.csv"))


def test_speed_is_measured_when_asked(runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("posture_classifier.costs.latency.SECONDS", 0.01)
    assert main(["compare", str(runs / "good" / "version_0"), "--measure", "--output", str(runs / "out")]) == 0
    (row,) = rows(runs / "out" / "comparison.csv")
    assert float(row["latency_ms"]) > 0
    assert float(row["photos_per_second"]) > 0
    assert "latency" in capsys.readouterr().out


def test_a_damaged_run_is_not_tested(runs: Path) -> None:
    table = runs / "good/version_0/test/predictions.csv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-5]))
    with pytest.raises(NotTestedError, match="holds 95 of 100 test photos"):
        read_tested_run(table.parents[1])


@pytest.mark.slow
def test_two_hundred_runs_take_less_than_twenty_seconds(tmp_path: Path) -> None:
    for number in range(200):
        config = settings(("test_resnet", "test_vit", "test_efficientnet")[number % 3], seed=number)
        config["model"]["learning_rate"] = 0.001 * (1 + number // 6)
        make_run(tmp_path / f"sweep/version_{number}", some_right(0.8 + 0.0005 * number, number, n=400), 10, config)
    start = time.perf_counter()
    assert main(["compare", str(tmp_path / "sweep" / "version_*"), "--output", str(tmp_path / "out")]) == 0
    assert time.perf_counter() - start < 20
