"""A finished model on any photo, from the command line and from Python."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.models.precision import native_bf16
from tests.helpers.photos import draw_photos
from tests.helpers.program import fit_arguments, run_program


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_photos(tmp_path_factory.mktemp("data") / "photos", people=6, each=2, classes=("left", "right"))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, photos: Path) -> Path:
    output = tmp_path_factory.mktemp("run")
    options = ["--unfreezing.open_stages", "{0: all}", "--model.learning_rate", "0.01"]
    assert main([*fit_arguments(photos, output, 2), *options]) == 0
    return output / "lightning_logs" / photos.name / "version_0"


def test_predict_gives_the_probabilities_of_the_evaluation(run: Path, photos: Path) -> None:
    """From file to probability, by another path and in another batch."""
    with (run / "test" / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt", calibrated=False)
    predictions = classifier.predict([photos / row["path"] for row in rows], batch_size=3)
    for row, prediction in zip(rows, predictions, strict=True):
        assert prediction.probabilities is not None
        for name in ("left", "right"):
            assert prediction.probabilities[name] == pytest.approx(float(row[name]), abs=1e-6)


def test_the_time_to_the_first_prediction_is_told(run: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(run / "checkpoints" / "best.ckpt"), str(photos)]) == 0
    told = re.search(r"24 photos in ([\d.]+) s, the first prediction after ([\d.]+) s", capsys.readouterr().out)
    assert told
    assert float(told[2]) <= float(told[1]), "tenths of a second, 0.0 in a process that has predicted before"


@pytest.mark.skipif(not native_bf16(torch.device("cpu")), reason="this processor has no bfloat16 of its own")
def test_the_precision_is_that_of_the_evaluation_unless_told_otherwise(run: Path, photos: Path) -> None:
    assert json.loads((run / "summary.json").read_text())["computed_in"]["evaluation"] == "bfloat16"
    files = sorted(photos.rglob("*.png"))
    checkpoint = run / "checkpoints" / "best.ckpt"
    fast, exact = (
        Classifier.load(checkpoint, precision=precision, calibrated=False).predict(files) for precision in ("auto", "fp32")
    )
    probabilities = [[each.probabilities["left"] for each in one if each.probabilities] for one in (fast, exact)]
    assert 0 < np.abs(np.array(probabilities[0]) - np.array(probabilities[1])).max() < 0.02


def test_two_streams_of_one_classifier_do_not_meet(run: Path, photos: Path) -> None:
    """Each computes in threads of its own, in the same network."""
    torch.set_num_threads(1)
    files = sorted(photos.rglob("*.png"))
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt")
    alone = classifier.predict(files, batch_size=2)
    torch.set_num_threads(2)  # the fixture of all tests puts it back
    for one, other, expected in zip(classifier.stream(files, 2), classifier.stream(files, 2), alone, strict=True):
        assert one == other
        assert one.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert torch.get_num_threads() == 2


def test_exif_is_turned_in_every_path(run: Path, photos: Path, tmp_path: Path) -> None:
    """A photo lying on its side, with the orientation that says so, is the same photo."""
    upright = photos / "left" / "person0_0.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(upright).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "lying.png", exif=exif)
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt")
    first, second = classifier.predict([upright, tmp_path / "lying.png"])
    assert first.probabilities == pytest.approx(second.probabilities)


def test_files_folders_patterns_and_images_in_memory(run: Path, photos: Path) -> None:
    path = photos / "left" / "person0_0.png"
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt")
    image = Image.open(path)
    predictions = classifier.predict([path, str(path), image, np.asarray(image)])
    assert len({prediction.probability for prediction in predictions}) == 1
    assert [prediction.path for prediction in predictions] == [str(path), str(path), "", ""]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_an_unreadable_photo_is_a_row_and_the_others_are_predicted(run: Path, photos: Path, tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "new" / "deeper"
    folder.mkdir(parents=True)
    shutil.copy(photos / "left" / "person0_0.png", folder / "거북목.png")
    (folder / "broken.jpg").write_text("no image")
    output = tmp_path / f"predictions{suffix}"
    checkpoint = str(run / "checkpoints" / "best.ckpt")
    arguments = [
        "predict",
        checkpoint,
        str(tmp_path / "new"),
        str(photos / "left" / "*_1.png"),
        "--output",
        str(output),
    ]
    assert main(arguments) == 1
    if suffix == ".csv":
        with output.open(encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert list(rows[0]) == ["path", "label", "probability", "left", "right", "sure", "distance", "familiar", "error"]
    assert len(rows) == 2 + 6
    by_name = {Path(row["path"]).name: row for row in rows}
    assert by_name["broken.jpg"]["error"] == "not an image"
    assert not by_name["broken.jpg"]["label"]
    good = by_name["거북목.png"]
    assert not good["error"]
    assert float(good["left"]) + float(good["right"]) == pytest.approx(1)
    assert float(good["probability"]) == max(float(good["left"]), float(good["right"])) == float(good[good["label"]])


def test_an_existing_output_is_not_overwritten_unasked(
    run: Path, photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "mine.csv"
    output.write_text("precious")
    arguments = ["predict", str(run / "checkpoints" / "best.ckpt"), str(photos), "--output", str(output)]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert str(output) in error
    assert "--overwrite" in error
    assert output.read_text() == "precious"
    assert main([*arguments, "--overwrite", "true"]) == 0
    assert output.read_text() != "precious"


@pytest.mark.parametrize(
    ("arguments", "fact"),
    [
        (["nowhere.png"], "nowhere.png"),
        (["{empty}"], "empty"),
        (["{photos}", "--output", "x.txt"], ".csv, .jsonl or .parquet"),
        (["{photos}", "--output", "no/such/x.csv"], "no/such/x.csv"),
        (["{photos}", "--batchsize", "3"], "batchsize"),
        ([], "paths"),
    ],
)
def test_wrong_arguments(
    run: Path, photos: Path, tmp_path: Path, arguments: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    filled = [argument.format(empty=tmp_path / "empty", photos=photos) for argument in arguments]
    assert main(["predict", str(run / "checkpoints" / "best.ckpt"), *filled]) == 2
    assert fact in capsys.readouterr().err


def test_an_image_in_memory_is_read_as_its_file_is(run: Path, photos: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(photos / "left" / "person0_0.png").save(tmp_path / "lying.png", exif=exif)
    deep = (np.arange(1600, dtype=np.uint16) * 40).reshape(40, 40)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    classifier = Classifier.load(run / "checkpoints" / "best.ckpt")
    for name in ("lying.png", "deep.png"):
        from_file, from_memory = classifier.predict([tmp_path / name, Image.open(tmp_path / name)])
        assert from_file.probabilities == from_memory.probabilities


@pytest.mark.slow
def test_names_that_a_terminal_cannot_show(run: Path, photos: Path, tmp_path: Path) -> None:
    """Korean on another code page, brackets as in rich's markup, and bytes that are no UTF-8."""
    folder = tmp_path / "names"
    (folder / "a[").mkdir(parents=True)
    for name in ("거북목.png", "a[/x].png", "b[copy].png"):
        shutil.copy(photos / "left" / "person0_0.png", folder / name)
    with contextlib.suppress(OSError):  # not every file system takes it
        shutil.copy(os.fsencode(folder / "거북목.png"), os.fsencode(folder) + b"/\xc1\xa4.png")
    output = tmp_path / "out.csv"
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    result = run_program("predict", str(run / "checkpoints" / "best.ckpt"), str(folder), "--output", str(output), env=environment)
    assert "Traceback" not in result.stderr
    rows = list(csv.DictReader(io.StringIO(output.read_bytes().decode("utf-8-sig", errors="replace"))))
    assert {"거북목.png", "x].png", "b[copy].png"} <= {Path(row["path"]).name for row in rows if not row["error"]}
    assert result.returncode == (1 if any(row["error"] for row in rows) else 0)


@pytest.mark.parametrize(
    "options", [["--device", "nonsense"], ["--device", "cuda:77"], ["--batch_size", "0"], ["--output", "{folder}"]]
)
def test_impossible_options(
    run: Path, photos: Path, tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    arguments = ["predict", str(run / "checkpoints" / "best.ckpt"), str(photos)]
    assert main([*arguments, *(option.format(folder=folder) for option in options)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
