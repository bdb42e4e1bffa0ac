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
from posture_classifier.experiments.cross_validation import CrossValidation
from posture_classifier.inference import Classifier
from posture_classifier.models.checkpoint import read_checkpoint
from posture_classifier.start.plan import read_plan
from posture_classifier.utils.errors import UserError
from tests.helpers.advice import arguments_of
from tests.helpers.photo_tables import rows_of, write_table
from tests.helpers.photos import DrawFolder, draw, draw_photos
from tests.helpers.terminal import walk

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


def next_command(printed: str) -> list[str]:
    """The words of the command that ``start`` ends with."""
    return arguments_of(printed[printed.rindex("python -m") :].replace("\\\n", " "))


def test_few_people_are_each_tested_once_and_the_last_network_learns_from_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_photos(tmp_path / "my photos", 3, 2, ("left", "right"))
    # Photos of one of these people look no more alike than others, but their names tell.
    command = ["start", str(root), "--yes", "--output", str(tmp_path)]
    with monkeypatch.context() as patch:
        patch.setattr(CrossValidation, "train_final", stop)
        assert main(command) == 2, "it is stopped after the folds"
    folder = series(tmp_path, root, "crossval")
    trained = {path: path.stat().st_mtime_ns for path in folder.rglob("last.ckpt")}
    assert len(trained) == 3
    capsys.readouterr()
    assert main(command) == 0
    printed = capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in trained} == trained, "nothing is trained twice"
    assert series(tmp_path, root, "crossval") == folder
    summary = summary_of(folder)
    assert (summary["images"], summary["groups"], summary["folds"]) == (12, 3, 3)
    checkpoint = Path(summary["final"]["run"], "checkpoints", "last.ckpt")
    content = read_checkpoint(checkpoint)
    assert content["evaluation"]["images"] == 12
    assert content["evaluation"]["accuracy"]["value"] == summary["accuracy"]["value"]
    assert (folder / "report.html").is_file()
    assert Classifier.load(checkpoint, device="cpu").class_names == ["left", "right"]

    advised = next_command(printed)
    assert advised[:2] == ["predict", str(checkpoint)]
    assert main([str(root / "left") if word == "new_photos/" else word for word in advised]) == 0

    draw(0, 77).save(root / "left" / "person2_7.png")
    with CrossValidation.prepare(["--config", str(tmp_path / "my photos.yaml"), "--final"], repeat=False) as anew:
        assert anew.folder != folder, "it does not pass over new photos"


def stop(*_: object) -> None:
    raise UserError("it was stopped")


@pytest.mark.slow
def test_with_more_people_a_part_is_tested(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    draw_photos(root, 10, 1, ("left", "right"))
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


def test_the_same_without_start_goes_on_with_what_start_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_photos(tmp_path / "photos", 3, 2, ("left", "right"))
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(CrossValidation, "train_folds", stop)
    options = ["--group_pattern", r"person\d", "--output", str(tmp_path / "results")]
    assert main(["start", str(root), *options]) == 2
    text = (tmp_path / "results" / "photos.yaml").read_text()
    (command,) = [line.removeprefix("#   ") for line in text.splitlines() if line.startswith("#   python")]
    began = series(tmp_path / "results", root, "crossval")
    assert main(arguments_of(command)) == 2
    assert str(began) in capsys.readouterr().out
    assert series(tmp_path / "results", root, "crossval") == began
    assert not (tmp_path / "lightning_logs").exists()


def test_who_is_on_the_photos_is_asked(tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_folder()
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: None)
    answers(monkeypatch, "n", "n", "")
    assert main(["start", str(root), "--output", str(tmp_path)]) == 0
    plan = read_plan(tmp_path / f"{root.name}.yaml", root)
    assert plan is not None
    assert plan.settings["data"]["group_by"] == "none"
    assert main(["start", str(root), "--output", str(tmp_path), "--group_pattern", r"person\d"]) == 2, "it says otherwise"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--group_pattern", "nobody"], "nobody"),
        (["--group_pattern", "("], "regular expression"),
        (["--output", "photos"], "--output"),
    ],
)
def test_an_option_that_does_not_fit_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    root = draw_photos(Path("photos"), 3, 1, ("left", "right"))
    assert main(["start", str(root), "--yes", *options]) == 2
    assert words in capsys.readouterr().err
    assert not [*tmp_path.rglob("*.yaml"), *tmp_path.rglob("lightning_logs")]


def test_an_output_that_cannot_be_written_to_is_refused_before_the_photos_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_photos(tmp_path / "photos", 1, 1, ("left", "right"))
    monkeypatch.setattr("os.access", lambda path, mode: Path(path) != tmp_path)  # root may write everywhere
    assert main(["start", str(root), "--yes", "--output", str(tmp_path)]) == 2
    assert f"the folder {tmp_path} cannot be written to" in " ".join(capsys.readouterr().err.split())


def test_a_folder_that_cannot_be_trained_on_is_told_what_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = draw_photos(tmp_path / "photos", 3, 1, ("left",))
    assert main(["start", str(root), "--yes", "--output", str(tmp_path)]) == 2
    assert "one class only (left)" in capsys.readouterr().err


def test_folders_of_people_that_hold_the_classes_are_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn, root = tmp_path / "drawn", tmp_path / "members"
    draw_photos(drawn, 4, 2, ("left", "right"))
    for path in drawn.glob("*/*.png"):
        copy = root / f"friend {path.name.partition('_')[0][-1]}" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: None)
    assert main(["start", str(root), "--yes", "--output", str(tmp_path)]) == 2, "it is not certain"
    assert "--layout: group/class if " in capsys.readouterr().err
    assert not (tmp_path / "members.yaml").exists()
    answers(monkeypatch, "group", "1", "y")
    assert main(["start", str(root), "--output", str(tmp_path)]) == 0
    plan = read_plan(tmp_path / "members.yaml", root)
    assert plan is not None
    assert plan.settings["data"]["layout"] == "group/class"
    assert plan.settings["data"]["folds"] == 4


def test_copies_are_left_out_if_the_user_agrees(tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    root = draw_folder()
    shutil.copy(root / "left" / "person0_0.png", root / "left" / "person0_0 copy.png")
    monkeypatch.setattr("posture_classifier.start.procedure.carry_out", lambda *_: None)
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
@pytest.mark.parametrize("columns", [80, 120])
def test_a_new_user_s_folder_with_korean_names_on_a_terminal(tmp_path: Path, columns: int) -> None:
    root = draw_photos(tmp_path / "사진", 4, 6, ("정상", "거북목"))
    for path in root.glob("*/*.png"):
        person, number = path.stem.split("_")
        path.rename(path.with_name(f"{['민준', '서연', '지후', '하은'][int(person[-1])]}_{number}.png"))
    seen = walk("start", "사진", "--yes", columns=columns, folder=tmp_path)
    assert (seen.code, seen.divided) == (0, [])
    assert "4 groups in the names: 민준, 서연, 지후, 하은" in seen.text
    assert summary_of(series(tmp_path, root, "crossval"))["groups"] == 4
    assert "fold 2 of 4: epoch 1 of 1" in seen.raw, "each training shows how far it is"
    assert "epoch 1 of 1" not in seen.text, "and nothing of that stays"
    checkpoint = next_command(seen.text)[1]
    assert (tmp_path / checkpoint).is_file()


@pytest.mark.slow
def test_a_table_in_place_of_the_folder(
    tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root, output = draw_folder(people=8), tmp_path / "output"
    output.mkdir()
    table = write_table(root / "mine.csv", rows_of(root))
    words = ["start", str(table), "--output", str(output), "--yes"]
    assert main(words) == 0
    plan = read_plan(output / "mine.yaml", root, table)
    assert plan is not None
    assert plan.settings["data"]["table"] == str(table)
    (folder,) = (output / "lightning_logs" / "mine").glob("crossval_*")
    assert summary_of(folder)["groups"] == 8
    asked = answers(monkeypatch)
    assert main(words) == 0, "what is done is not done again"
    assert not asked
    assert main(["start", str(write_table(tmp_path / "mine.csv", rows_of(root))), "--output", str(output)]) == 2
    assert "is about the photos in" in capsys.readouterr().err
