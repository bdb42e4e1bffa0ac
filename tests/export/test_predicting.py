"""``predict`` with an exported model: the table of its checkpoint."""

from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.export.artifact import find_artifact
from posture_classifier.export.formats import html, openvino
from posture_classifier.utils.tables import read_rows


def test_the_table_is_that_of_the_checkpoint(run: Path, exported: Path, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "broken.jpg").write_text("no image")
    for options in ([], ["--catch", "left"]):
        tables = []
        for number, network in enumerate((run, exported / "model.onnx")):
            output = tmp_path / f"{number}{len(options)}.csv"
            arguments = ["predict", str(network), str(photos), str(tmp_path / "new"), "--output", str(output), *options]
            assert main([*arguments, *(["--precision", "fp32"] if network == run else [])]) == 1
            tables.append(read_rows(output))
        ours, theirs = tables
        assert [list(row) for row in ours] == [list(row) for row in theirs]
        for row, other in zip(ours, theirs, strict=True):
            for column in ("path", "label", "error"):
                assert row[column] == other[column]
            for column in {"probability", "left", "right", "distance"} & set(row):
                assert (row[column] == "") == (other[column] == "")
                if row[column]:
                    assert float(row[column]) == pytest.approx(float(other[column]), abs=0.005)


def test_the_folder_of_an_export_is_its_model(exported: Path, photos: Path, tmp_path: Path) -> None:
    for network in (exported, exported / "model.onnx"):
        assert main(["predict", str(network), str(photos / "left"), "--output", str(tmp_path / f"{network.stem}.csv")]) == 0
    assert read_rows(tmp_path / "onnx.csv") == read_rows(tmp_path / "model.csv")


@pytest.mark.parametrize(
    ("files", "fact"),
    [
        (["agreement.json"], "model is gone"),
        (["refused/model.onnx.refused"], "failed its proof"),
        (["onnx/model.onnx", "openvino/model.xml"], "2 exports"),
        (["notes.txt"], "no checkpoints/best.ckpt"),
        (["model.absent"], "pip install 'posture-classifier[absent]'"),
    ],
)
def test_a_folder_without_a_model_that_runs_says_what_it_lacks(
    photos: Path, tmp_path: Path, files: list[str], fact: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "PACKAGES", ("absent_package",))
    monkeypatch.setattr(openvino, "EXTRA", "absent")
    for file in files:
        path = tmp_path / "export" / file.replace("absent", openvino.SUFFIX.removeprefix("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert main(["predict", str(tmp_path / "export"), str(photos)]) == 2
    assert fact in capsys.readouterr().err


def test_of_several_models_in_a_folder_one_that_runs_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "PACKAGES", ("absent_package",))
    for name in ("model.html", "model.onnx"):
        (tmp_path / name).write_text("")
    assert find_artifact(tmp_path) == tmp_path / "model.onnx"


@pytest.mark.parametrize(
    ("options", "fact"),
    [(["--explain", "maps"], "gradients"), (["--precision", "fp32"], "precision"), (["--device", "mps"], "device")],
)
def test_what_an_exported_model_cannot_do(
    exported: Path, photos: Path, tmp_path: Path, options: list[str], fact: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [option.replace("maps", str(tmp_path / "maps")) for option in options]
    assert main(["predict", str(exported / "model.onnx"), str(photos), *options]) == 2
    assert fact in capsys.readouterr().err
    assert not (tmp_path / "maps").exists()
