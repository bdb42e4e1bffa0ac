"""``start``, from a folder to the final network, on tiny photos and a tiny network."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from posture_classifier.cli.program import main
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.start.plan import read_plan
from tests.helpers.advice import arguments_of
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import run_program

TINY = {
    "model": {"backbone": "test_resnet", "pretrained": False, "image_size": 32},
    "data": {"num_workers": 0, "batch_size": 8, "augmentation": []},
    "trainer": {"max_epochs": 1, "accelerator": "cpu", "enable_progress_bar": False},
}


@pytest.fixture(autouse=True)
def tiny_recipes(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes with a network that trains in no time."""
    path = tmp_path_factory.mktemp("recipes") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY))
    monkeypatch.setattr("posture_classifier.start.plan.shipped", lambda name: path)


def answers(monkeypatch: pytest.MonkeyPatch, *given: str) -> list[str]:
    """Sit at the terminal and type these; returns the questions, which grow."""
    questions: list[str] = []
    typed: Iterator[str] = iter(given)

    def read(question: str) -> str:
        questions.append(question)
        return next(typed)

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    return questions


def series(output: Path, root: Path, command: str) -> Path:
    (folder,) = (output / "lightning_logs" / root.name).glob(f"{command}_*")
    return folder


def summary_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return content


def test_few_people_are_each_tested_once_and_the_last_network_learns_from_all(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder()
    command = ["start", str(root), "--yes", "--output", str(tmp_path)]
    assert main(command) == 0
    folder = series(tmp_path, root, "crossval")
    summary = summary_of(folder)
    assert (summary["images"], summary["groups"], summary["folds"]) == (24, 6, 6)
    checkpoint = Path(summary["final"]["run"], "checkpoints", "last.ckpt")
    content = read_checkpoint(checkpoint)
    assert content["evaluation"]["images"] == 24
    assert content["evaluation"]["accuracy"]["value"] == summary["accuracy"]["value"]
    assert str(checkpoint) in capsys.readouterr().out
    assert (folder / "report.html").is_file()
    assert Classifier.load(checkpoint, device="cpu").class_names == ["left", "right"]

    trained = checkpoint.stat().st_mtime_ns
    assert main(command) == 0
    assert checkpoint.stat().st_mtime_ns == trained, "nothing is trained twice"
    assert series(tmp_path, root, "crossval") == folder


def test_with_more_people_a_part_is_tested(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    draw_photos(root, 12, 2, ("left", "right"))
    command = ["start", str(root), "--yes", "--group_pattern", r"person\d+", "--output", str(tmp_path)]
    assert main(command) == 0
    folder = series(tmp_path, root, "held_out")
    summary = summary_of(folder)
    assert summary["split"] == "test"
    run = Path(summary["run"])
    assert (run / "report.html").is_file()
    tested = {line.split(",")[1] for line in (run / "test" / "predictions.csv").read_text().splitlines()[1:]}
    evaluation = read_checkpoint(Path(summary["final"]["run"], "checkpoints", "last.ckpt"))["evaluation"]
    assert evaluation["procedure"] == "test split"
    assert evaluation["groups"] == len(tested) == summary["groups"]
    last = run / "checkpoints" / "last.ckpt"
    before = last.stat().st_mtime_ns
    assert main(command) == 0
    assert last.stat().st_mtime_ns == before


def test_the_same_without_start_is_what_the_file_says(
    tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = draw_folder()
    assert main(["start", str(root), "--yes"]) == 0
    text = (tmp_path / f"{root.name}.yaml").read_text()
    (command,) = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   python")]
    assert main(arguments_of(command)) == 0


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["", ""], {"group_pattern": r"person\d+"}),
        (["(", r"person[012]|$", ""], {"group_pattern": r"person[012]|$"}),
        (["n", ""], {"group_by": "none"}),
    ],
    ids=["as proposed", "a pattern of one's own, after a wrong one", "nobody twice"],
)
def test_who_is_on_the_photos_is_asked(
    tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch, typed: list[str], expected: dict[str, str]
) -> None:
    root = draw_folder()
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: [])
    answers(monkeypatch, *typed)
    assert main(["start", str(root), "--output", str(tmp_path)]) == 0
    plan = read_plan(tmp_path / f"{root.name}.yaml", root)
    assert plan is not None
    assert expected.items() <= plan.settings["data"].items()


def test_folders_of_people_that_hold_the_classes_are_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, root = tmp_path / "drawn", tmp_path / "members"
    draw_photos(drawn, 4, 2, ("left", "right"))
    for path in drawn.glob("*/*.png"):
        copy = root / f"friend {path.name.partition('_')[0][-1]}" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: [])
    assert main(["start", str(root), "--yes", "--output", str(tmp_path)]) == 2, "it is not certain"
    assert not (tmp_path / "members.yaml").exists()
    answers(monkeypatch, "n", "n", "y", "")
    assert main(["start", str(root), "--output", str(tmp_path)]) == 0
    plan = read_plan(tmp_path / "members.yaml", root)
    assert plan is not None
    assert plan.settings["data"]["layout"] == "group/class"
    assert plan.settings["data"]["folds"] == 4


def test_copies_are_left_out_if_the_user_agrees(tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_folder()
    shutil.copy(root / "left" / "person0_0.png", root / "left" / "person0_0 copy.png")
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: [])
    assert main(["start", str(root), "--yes", "--output", str(tmp_path)]) == 0
    plan = read_plan(tmp_path / f"{root.name}.yaml", root)
    assert plan is not None
    listed = Path(plan.settings["data"]["exclude"]).read_text().splitlines()
    assert len(listed) == 2, "a head line and one of the two"


def test_nobody_at_the_terminal_is_told_of_yes(tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["start", str(draw_folder()), "--output", str(tmp_path)]) == 2
    assert "--yes" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.yaml"))


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_new_user_s_folder_with_korean_names(tmp_path: Path) -> None:
    root = draw_photos(tmp_path / "사진", 4, 6, ("정상", "거북목"))
    for path in root.glob("*/*.png"):
        person, number = path.stem.split("_")
        path.rename(path.with_name(f"{['민준', '서연', '지후', '하은'][int(person[-1])]}_{number}.png"))
    result = run_program("start", str(root), "--yes", "--output", str(tmp_path))
    assert result.returncode == 0, result.stderr
    assert "민준" in result.stdout
    assert summary_of(series(tmp_path, root, "crossval"))["groups"] == 4
