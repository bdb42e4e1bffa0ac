"""``audit`` of predictions in the layouts of other programs, on drawn photos."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.cli.program import main
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, estimates
from posture_classifier.runs.predictions import read_prediction_table
from tests.helpers import foreign_exports as exports
from tests.helpers.check_folders import draw_people, scene
from tests.helpers.foreign_exports import Predicted, predict_by_lot
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import draw_photos
from tests.helpers.videos import draw_videos

PATTERN = r"person\d+"


@pytest.fixture(scope="module")
def predicted(tmp_path_factory: pytest.TempPathFactory) -> Predicted:
    root = tmp_path_factory.mktemp("audited") / "photos & <more>"
    return predict_by_lot(draw_photos(root, people=10, each=3, classes=("normal", "slouch", "turtle")))


def audit(table: Path, root: Path, *options: str) -> int:
    return main(["audit", str(table), "--data.root", str(root), *options])


def summary_of(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found


def test_figures_are_those_of_fit_and_the_page_stands_alone(
    predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, output = exports.fastai(predicted, tmp_path / "fastai.csv"), tmp_path / "audited"
    assert audit(table, predicted.root, "--group_pattern", PATTERN, "--output", str(output)) == 0
    groups = np.array([path.split("/")[1].split("_")[0] for path in predicted.paths])
    expected = estimates(Predictions(np.arange(len(groups)), predicted.labels, predicted.probabilities), groups)
    summary = summary_of(output)
    assert {name: summary[name] for name in METRICS} == {name: pytest.approx(vars(expected[name])) for name in METRICS}
    assert (summary["images"], summary["groups"], summary["known"], summary["leaks"]) == (90, 10, "probabilities", None)
    page = (output / "audit.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    printed = capsys.readouterr().out
    accuracy = expected["accuracy"]
    for shown in (f"{accuracy.value:.3f}", f"{accuracy.low:.3f} to {accuracy.high:.3f}"):
        assert shown in page
        assert shown in printed
    worst = read_prediction_table(output / "test" / "predictions.csv").worst_groups()[0]
    assert f"{worst[1]} of {worst[2]}" in printed
    assert page.count("data:image/jpeg") >= 6
    assert page.count("<svg") >= 3
    assert "--train_list" in printed


def test_compare_takes_an_audit_beside_others(predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    better = replace(predicted, probabilities=0.6 * np.eye(3)[predicted.labels] + 0.4 * predicted.probabilities)
    for name, one in (("keras", predicted), ("timm", better)):
        table = getattr(exports, name)(one, tmp_path / f"{name}.csv")
        assert audit(table, predicted.root, "--group_pattern", PATTERN, "--output", str(tmp_path / name)) == 0
    capsys.readouterr()
    assert main(["compare", str(tmp_path / "keras"), str(tmp_path / "timm"), "--output", str(tmp_path / "compared")]) == 0
    printed = capsys.readouterr().out
    assert "90 photos of 10 groups" in printed
    assert {"keras", "timm"} <= set(printed.split())
    assert_stands_alone((tmp_path / "compared" / "comparison.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("writer", "known", "lacking"),
    [
        (exports.ultralytics_top_1, "confidence", {"auroc", "log_loss"}),
        (exports.scikit_learn, "label", {"auroc", "log_loss", "ece"}),
    ],
)
def test_what_is_not_given_is_not_told(
    predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str], writer: exports.Writer, known: str, lacking: set[str]
) -> None:
    table, output = writer(predicted, tmp_path / "table.csv"), tmp_path / "audited"
    rows = table.read_text().splitlines()
    if writer is exports.scikit_learn:  # which names no folders
        rows = [rows[0], *(f"{path},{row.partition(',')[2]}" for path, row in zip(predicted.paths, rows[1:], strict=True))]
    table.write_text("\n".join(rows))
    assert audit(table, predicted.root, "--group_pattern", PATTERN, "--output", str(output)) == 0
    summary, page = summary_of(output), (output / "audit.html").read_text(encoding="utf-8")
    assert summary["known"] == known
    assert set(METRICS) - set(summary) == lacking
    assert_stands_alone(page)
    assert ("Can its probabilities be believed?" in page) == (known == "confidence")
    assert "Catching" not in page
    assert not (output / "test").exists()
    assert "compare cannot read it" in capsys.readouterr().out


def test_without_groups_it_names_the_option_that_makes_them(
    predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The option that it advises is given as it stands."""
    table = exports.keras(predicted, tmp_path / "table.csv")
    assert audit(table, predicted.root) == 0
    printed = capsys.readouterr().out
    assert "90 photos" in printed
    assert "10 groups" in printed
    pattern = printed.partition("--data.group_pattern '")[2].partition("'")[0]
    assert audit(table, predicted.root, "--group_pattern", pattern) == 0
    assert "90 photos of 10 groups" in capsys.readouterr().out


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos of 6 people, ``circles/subject-03_01.png``, that look like no other person's."""
    root = draw_people(tmp_path_factory.mktemp("people") / "photos", people=6, each=2)
    for file in root.glob("*/*.jpg"):
        file.rename(file.with_suffix(".png"))  # its content stays
    return root


def test_leaks_from_a_training_list(people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    predicted = predict_by_lot(people)
    trained = tmp_path / "trained"
    trained.mkdir()
    for number in range(4):
        scene(0, 40 + number).save(trained / f"subject-9{number}.png")
    shutil.copy(people / "circles" / "subject-00_00.png", trained / "another_name.png")
    shutil.copy(people / "squares" / "subject-01_10.png", trained / "subject-01_77.png")
    table = exports.keras(predicted, tmp_path / "table.csv")
    options = ["--group_pattern", r"subject-\d+|another", "--output", str(tmp_path / "audited")]
    assert audit(table, people, *options, "--train_list", str(trained)) == 1
    summary = summary_of(tmp_path / "audited")
    leaks = summary["leaks"]
    assert isinstance(leaks, dict)
    assert leaks["bytes"] == 2
    assert leaks["itself"] == 0
    assert leaks["groups_on_both_sides"] == 1
    assert leaks["bytes"] + leaks["copy"] + leaks["scene"] + leaks["group"] + leaks["mirrored"] >= 5, "all photos of subject-01"
    assert isinstance(summary["without_leaked"], dict)
    page = (tmp_path / "audited" / "audit.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert "another_name.png" in page
    assert "subject-01" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["text", "table", "split"])
def test_a_list_may_be_a_text_or_a_table(people: Path, tmp_path: Path, kind: str) -> None:
    predicted = predict_by_lot(people)
    tested = [path for path in predicted.paths if "subject-00" in path or "subject-01" in path]
    others = [path for path in predicted.paths if path not in tested]
    rows: list[list[object]] = [[path, *shares] for path, shares in zip(predicted.paths, predicted.probabilities, strict=True)]
    table = exports.write(tmp_path / "table.csv", ["path", *predicted.classes], [row for row in rows if row[0] in tested])
    if kind == "text":
        trained = tmp_path / "trained.txt"
        trained.write_text("\n".join(f"/elsewhere/{path}" for path in others))
    elif kind == "table":
        trained = exports.write(tmp_path / "trained.csv", ["fname", "target"], [[path, "x"] for path in others])
    else:
        parts: list[list[object]] = [[path, "test" if path in tested else "train"] for path in predicted.paths]
        trained = exports.write(tmp_path / "split.csv", ["path", "split"], parts)
    options = ["--group_pattern", r"subject-\d+", "--train_list", str(trained), "--output", str(tmp_path / "audited")]
    assert audit(table, people, *options) == 0
    assert summary_of(tmp_path / "audited")["leaks"] == dict.fromkeys(
        ["itself", "bytes", "copy", "mirrored", "scene", "group", "groups_on_both_sides"], 0
    )


def test_photos_that_were_trained_on_themselves(people: Path, tmp_path: Path) -> None:
    predicted = predict_by_lot(people)
    table, trained = exports.keras(predicted, tmp_path / "table.csv"), tmp_path / "trained.txt"
    trained.write_text("\n".join(predicted.paths[:6]))
    assert audit(table, people, "--train_list", str(trained), "--output", str(tmp_path / "audited")) == 1
    leaks = summary_of(tmp_path / "audited")["leaks"]
    assert isinstance(leaks, dict)
    assert leaks["itself"] == 6


def test_frames_that_were_split_at_random_leak(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The frames before and after were trained on, under names that say nothing of it."""
    root = draw_videos(tmp_path / "videos", people=3, frames=24)
    for file in root.glob("*/*.jpg"):
        file.rename(file.with_suffix(".png"))
    predicted = predict_by_lot(root)
    tested = predicted.paths[1::4]
    rows: list[list[object]] = [[path, *shares] for path, shares in zip(predicted.paths, predicted.probabilities, strict=True)]
    table = exports.write(tmp_path / "table.csv", ["path", *predicted.classes], [row for row in rows if row[0] in tested])
    (tmp_path / "trained.txt").write_text("\n".join(path for path in predicted.paths if path not in tested))
    options = ["--train_list", str(tmp_path / "trained.txt"), "--output", str(tmp_path / "audited")]
    assert audit(table, root, *options) == 1
    leaks = summary_of(tmp_path / "audited")["leaks"]
    assert isinstance(leaks, dict)
    assert leaks["copy"] + leaks["scene"] > 0.8 * len(tested)
    assert audit(table, root, "--data.group_by", "cluster") == 0
    assert f"{len(tested)} photos of " in capsys.readouterr().out


def test_the_users_own_training_folder_is_the_list(people: Path, tmp_path: Path) -> None:
    for part, person in (("train", 0), ("train", 1), ("test", 2), ("test", 3)):
        for file in people.glob(f"*/subject-0{person}_*"):
            copy = tmp_path / "photos" / part / file.relative_to(people)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    root = tmp_path / "photos"
    shutil.copy(root / "train" / "circles" / "subject-00_00.png", root / "test" / "circles" / "copied.png")
    predicted = predict_by_lot(root / "test")
    table = exports.keras(predicted, tmp_path / "table.csv")
    assert audit(table, root, "--output", str(tmp_path / "audited")) == 1
    summary = summary_of(tmp_path / "audited")
    assert summary["images"] == len(predicted.paths)
    assert isinstance(summary["leaks"], dict)
    assert summary["leaks"]["bytes"] == 1


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--train_list", "nobody.csv"], ["--train_list", "nobody.csv"]),
        (["--path_column", "where"], ["--path_column", "where", "Filename, normal, slouch, turtle"]),
        (["--group_pattern", "("], ["data.group_pattern"]),
        (["--group_by", "cluster", "--group_pattern", "x"], ["data.group_by", "data.group_pattern"]),
        (["--seed", "-1"], ["--seed"]),
    ],
)
def test_wrong_options_are_one_sentence(
    predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], expected: list[str]
) -> None:
    table = exports.keras(predicted, tmp_path / "table.csv")
    assert audit(table, predicted.root, *options) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not [fact for fact in expected if fact not in error]


def test_nothing_is_overwritten_unasked(predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = exports.keras(predicted, tmp_path / "table.csv")
    assert audit(table, predicted.root, "--output", str(tmp_path / "audited")) == 0
    assert audit(table, predicted.root, "--output", str(tmp_path / "audited")) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert audit(table, predicted.root, "--output", str(tmp_path / "audited"), "--overwrite") == 0


@pytest.mark.parametrize("name", ["nothing.csv", "table.parquet"])
def test_a_file_that_is_no_table(predicted: Predicted, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    if name.endswith("parquet"):
        (tmp_path / name).write_bytes(b"PAR1")
    assert audit(tmp_path / name, predicted.root) == 2
    error = capsys.readouterr().err
    assert name in error
    assert error.count("\n") == 1
