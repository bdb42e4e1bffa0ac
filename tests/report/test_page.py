"""``report``, of runs that the program trained."""

import csv
import json
import os
import shutil
from base64 import b64decode
from html import unescape
from io import BytesIO
from pathlib import Path
from shlex import quote

import pytest
import torch
from markupsafe import escape
from PIL import Image

from posture_classifier.cli.program import main
from posture_classifier.rendering.svg_charts import SERIES
from posture_classifier.report import next_step as report_next
from posture_classifier.report import page as report_page
from posture_classifier.report import photos_section as report_photos
from posture_classifier.report.finished_run import read_finished_run
from tests.helpers.advice import arguments_of, follow
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder, draw_photos
from tests.helpers.program import Fit, fit_arguments

NAME = "report.html"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of ten people that has written its report; photos have names that HTML must escape."""
    folder = tmp_path_factory.mktemp("finished")
    root = draw_photos(folder / "photos & <more>", people=10, each=2, classes=("left", "right"))
    options = ["--unfreezing.open_stages", "{1: 2}", "--report", "true", "--cache.folder", str(folder / "cache")]
    assert main([*fit_arguments(root, folder, 2), *options]) == 0
    return folder / "lightning_logs" / root.name / "version_0"


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, without the report."""
    shutil.copytree(finished, tmp_path / "version_0")
    (tmp_path / "version_0" / NAME).unlink()
    return tmp_path / "version_0"


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def section(page: str, name: str) -> str:
    """Cut out the section with an anchor."""
    content = page.partition(f'<section id="{name}">')[2].partition("</section>")[0]
    assert content
    return content


def test_fit_leaves_a_page_that_stands_alone(finished: Path) -> None:
    page = read(finished / NAME)
    assert_stands_alone(page)
    assert not [colour for colour in SERIES if f": {colour}" in page.partition("<body>")[2]], "figures follow the page's ink"
    summary = json.loads(read(finished / "summary.json"))
    accuracy = summary["accuracy"]
    for expected in (
        f"{round(8 * accuracy['value'])} of 8 test photos",
        f"{accuracy['value']:.3f} <span",
        "(unknown: 2 groups)",
        "8 photos of 2 groups",
        "24 photos of 6 groups for training",
        "test_resnet",
        "epoch 0: the head; epoch 1: 2 stages",
        "photos &amp; &lt;more&gt;",
        "person",
    ):
        assert expected in page
    assert page.count("too few for an interval") == 1
    assert '<th scope="row">right</th>' in section(page, "catching-95-of-a-class")
    assert section(page, "can-its-probabilities-be-believed").count("<svg") >= 1
    assert "40 photos" in section(page, "what-check-found")
    assert page.count("data:image/jpeg") >= 6
    assert page.count("<svg") >= 5


def test_the_report_repeats_to_the_byte_and_reads_what_is_there(finished: Path, run: Path) -> None:
    assert main(["report", str(run)]) == 0
    ours, theirs = (read(folder / NAME).replace(escape(quote(str(folder))), "RUN") for folder in (run, finished))
    assert ours.partition("<nav")[2] == theirs.partition("<nav")[2]


def test_validation_predictions_are_the_evaluations(finished: Path, tmp_path: Path) -> None:
    """Thresholds and temperature come from photos that are not tested, by the tested weights."""
    root = finished.parents[2] / "photos & <more>"
    arguments = ["validate", *fit_arguments(root, tmp_path, 1)[1:], "--ckpt_path", str(finished / "checkpoints" / "best.ckpt")]
    assert main(arguments) == 0
    tables = []
    for run in (finished, tmp_path / "lightning_logs" / root.name / "version_0"):
        with (run / "val" / "predictions.csv").open(encoding="utf-8") as file:
            tables.append(list(csv.DictReader(file)))
    assert [row["path"] for row in tables[0]] == [row["path"] for row in tables[1]]
    for ours, theirs in zip(*tables, strict=True):
        assert {key: ours[key] for key in ("path", "group", "label")} == {key: theirs[key] for key in ("path", "group", "label")}
        assert float(ours["left"]) == pytest.approx(float(theirs["left"]), abs=1e-5)


def test_a_photo_that_is_wrong_may_be_the_least_certain(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_photos, "MOST_WRONG", 1)
    table = run / "test" / "predictions.csv"
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        wrong = 0.51 + 0.05 * number if number < 2 else 0.2
        right_of_two = wrong if row["label"] == "left" else 1 - wrong
        row |= {"left": str(1 - right_of_two), "right": str(right_of_two)}
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    assert main(["report", str(run)]) == 0
    _, most, least = section(read(run / NAME), "photos-to-look-at").split("<h3>")
    assert "(0.56)" in most
    assert "1 of 2 errors" in most
    assert "(0.51)" in least.partition("<figcaption>")[2].partition("</figcaption>")[0], "first of them"


@pytest.mark.slow
def test_a_better_epoch_makes_new_validation_predictions(run: Path) -> None:
    """As after resuming a run whose report was written before."""
    table, checkpoint = run / "val" / "predictions.csv", run / "checkpoints" / "best.ckpt"
    os.utime(table, (0, 0))
    os.utime(checkpoint, (1, 1))
    assert main(["report", str(run)]) == 0
    right = table.read_bytes()
    table.write_bytes(right[: right.rstrip().rindex(b"\n") + 1])
    os.utime(checkpoint, (0, 0))
    assert main(["report", str(run), "--overwrite", "true"]) == 0
    assert table.read_bytes() != right, "a table that is newer than the checkpoint is what it says"
    os.utime(table, (0, 0))
    os.utime(checkpoint, (1, 1))
    assert main(["report", str(run), "--overwrite", "true"]) == 0
    assert table.read_bytes() == right


def test_options(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--recall", "0.5", "--catch", "left", "--output", str(tmp_path / "to send")]
    assert main(["report", str(run), *options]) == 0
    caught = section(read(tmp_path / "to send" / NAME), "catching-50-of-a-class")
    assert "No alarm is advised: left is not shown to be told from the others" in caught, "one epoch has taught it nothing"
    assert "<p>" in caught
    assert "right is not shown" not in caught, "the other class was not asked for"
    assert not (run / NAME).exists()


@pytest.mark.slow
def test_a_page_of_its_own_is_replaced_and_a_foreign_one_is_not(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run)]) == 0
    assert main(["report", str(run), "--recall", "0.5"]) == 0
    assert section(read(run / NAME), "catching-50-of-a-class")
    (run / NAME).write_text("<p>mine</p>")
    assert main(["report", str(run)]) == 2
    error = capsys.readouterr().err
    assert "--output" in error
    assert "--overwrite" in error
    assert read(run / NAME) == "<p>mine</p>"
    assert main(["report", str(run), "--overwrite", "true"]) == 0
    assert_stands_alone(read(run / NAME))


def test_which_of_two_classes_is_the_alarm_is_not_guessed(run: Path) -> None:
    assert main(["report", str(run)]) == 0
    caught = section(read(run / NAME), "catching-95-of-a-class")
    for name in ("left", "right"):
        assert f"{name} is not shown to be told from the others" in caught
        assert f">{name}</text>" in caught, "a line of the curves"


def test_a_map_that_is_lit_all_over_is_left_out(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pictures() -> tuple[int, int]:
        assert main(["report", str(run)]) == 0
        shown = section(read(run / NAME), "photos-to-look-at")
        return shown.count("data:image/jpeg"), shown.count(report_photos.NO_MAP)

    for flat, pictures_each in ((False, 2), (True, 1)):
        monkeypatch.setattr(report_photos, "is_flat", lambda maps, flat=flat: torch.full((len(maps),), flat))
        n_pictures, n_without = pictures()
        assert n_pictures % pictures_each == 0
        assert n_without == (n_pictures if flat else 0)


def test_photos_are_as_sharp_as_their_files(run: Path) -> None:
    """The network sees 32 pixels, the files have 40."""
    assert main(["report", str(run)]) == 0
    shown = section(read(run / NAME), "photos-to-look-at")
    sizes = {Image.open(BytesIO(b64decode(part.partition('"')[0]))).size for part in shown.split("base64,")[1:]}
    assert sizes == {(40, 40)}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("rm config.yaml", ["version_0", "lightning_logs/<experiment>/version_N"]),
        ("rm summary.json", ["version_0", "summary.json", "fit --ckpt_path last"]),
        ("rm test/predictions.csv", ["test/predictions.csv"]),
        ("break summary.json", ["version_0"]),
        ("--recall 0", ["--recall", "0.0", "above 0", "at most 1"]),
        ("--catch nobody", ["'nobody'", "left, right"]),
    ],
)
def test_what_cannot_be_reported_is_one_sentence(
    run: Path, capsys: pytest.CaptureFixture[str], change: str, expected: list[str]
) -> None:
    verb, argument = change.split()
    if verb == "rm":
        (run / argument).unlink()
    elif verb == "break":
        (run / argument).write_text("{")
    options = [verb, argument] if verb.startswith("--") else []
    assert main(["report", str(run), *options]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert not [fact for fact in expected if fact not in error]
    assert not (run / NAME).exists()


def test_a_missing_run_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "version_7")]) == 2
    error = capsys.readouterr().err
    assert "version_7" in error
    assert error.count("\n") == 1


def test_photos_that_were_moved_and_a_checkpoint_that_is_gone(run: Path) -> None:
    """Less is known then, and the page says what."""
    (run / "checkpoints" / "best.ckpt").unlink()
    assert main(["report", str(run)]) == 0
    page = read(run / NAME)
    assert_stands_alone(page)
    assert "checkpoint" in section(page, "photos-to-look-at")
    assert "data:image/jpeg" in section(page, "photos-to-look-at")
    assert "40 photos" not in section(page, "what-check-found"), "the digests are in the checkpoint"
    shutil.rmtree(run / "val")
    config = run / "config.yaml"
    config.write_text(read(config).replace("photos & <more>", "elsewhere"))
    assert main(["report", str(run), "--overwrite", "true"]) == 0
    page = read(run / NAME)
    assert_stands_alone(page)
    assert "elsewhere" in section(page, "photos-to-look-at")
    assert "data:image/jpeg" not in page
    assert_no_validation(page)


def assert_no_validation(page: str) -> None:
    """Neither a threshold nor a temperature is chosen, and the page says what that would take."""
    thresholds, calibration = (section(page, name) for name in ("catching-95-of-a-class", "can-its-probabilities-be-believed"))
    assert "<table" not in thresholds
    assert thresholds.count("<svg") == 2
    assert calibration.count("<svg") == 1
    assert "val/predictions.csv" in thresholds
    assert "val/predictions.csv" in calibration


def test_what_check_found_is_told(run: Path) -> None:
    finding = {"severity": "warning", "kind": "near_duplicates", "text": "2 photos are <copies>."}
    (run / "check.json").write_text(json.dumps({"verdict": "warnings: 1 warning", "findings": [finding]}))
    assert main(["report", str(run)]) == 0
    found = section(read(run / NAME), "what-check-found")
    for shown in ("warnings: 1 warning", "warning: near duplicates", "2 photos are &lt;copies&gt;."):
        assert shown in found


def next_command(run: Path) -> str:
    """The command at the end of the page, written anew."""
    assert main(["report", str(run)]) == 0
    page = read(run / NAME)
    assert page.rindex("<section") == page.index('<section id="next-step">')
    return unescape(section(page, "next-step").partition('<pre class="command">')[2].partition("</pre>")[0])


@pytest.mark.slow
def test_the_commands_that_the_report_ends_with_do_what_they_say(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First it lets the photos be checked, then all groups be tested, then the network be used."""
    assert main(arguments_of(next_command(run))) in (0, 1, 2)
    command = next_command(run)
    assert json.loads(read(run / "check.json"))["verdict"] in section(read(run / NAME), "what-check-found")
    assert "learnt from 2 groups" in section(read(run / NAME), "what-should-i-photograph-next")
    assert arguments_of(command)[0] == "crossval"
    assert len(follow(command)) == 10
    monkeypatch.setattr(report_next, "FEWEST_GROUPS", 1)
    words = arguments_of(next_command(run))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(read_finished_run(run).root, report_next.NEW_PHOTOS)
    assert main(words) == 0
    with (tmp_path / "predictions.csv").open(encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == 40


@pytest.mark.parametrize("content", ["{", "[1]", '{"status": "ok"}'])
def test_a_check_json_of_another_program_costs_no_report(run: Path, content: str) -> None:
    (run / "check.json").write_text(content)
    assert main(["report", str(run)]) == 0
    assert "40 photos" in section(read(run / NAME), "what-check-found")


def test_its_own_predictions_are_as_precise_as_the_runs(run: Path) -> None:
    config = run / "config.yaml"
    config.write_text(read(config).replace("precision: auto", "precision: fp32"))
    classifier = read_finished_run(run).classifier
    assert classifier is not None
    assert classifier.model.precision == "fp32"


@pytest.mark.slow
def test_several_classes_no_groups_no_test_photos(draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=8, classes=("a", "b", "c"))
    run = fit(root, "--data.group_pattern", "null")
    assert main(["report", str(run)]) == 0
    page = read(run / NAME)
    assert_stands_alone(page)
    assert "<table" not in section(page, "whom-it-fails-on")
    assert page.count('<th scope="row">c</th>') >= 3, "every class in turn"
    run = fit(root, "--data.test_fraction", "0", version=1)
    assert main(["report", str(run)]) == 0
    page = read(run / NAME)
    assert "validation photos" in page.partition("<nav")[0]
    assert_no_validation(page)


def test_a_report_that_fails_loses_no_training(
    draw_folder: DrawFolder, fit: Fit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("no ink")

    monkeypatch.setattr(report_page, "write_report", fail)
    with pytest.warns(UserWarning, match=r"report.html.*no ink"):
        run = fit(draw_folder(), "--report", "true")
    assert "checkpoint: " in capsys.readouterr().out
    assert (run / "summary.json").exists()
