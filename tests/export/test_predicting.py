"""``predict`` with an exported model: the table of its checkpoint."""

from pathlib import Path

import pytest

from posture_classifier.cli.program import main
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
