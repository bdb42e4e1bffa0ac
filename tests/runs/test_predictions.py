"""``predictions.csv`` is read as it was written, and a damaged one is refused."""

from pathlib import Path

import numpy as np
import pytest

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.runs.predictions import NotTestedError, PredictionTable, read_prediction_table


def make_table(folds: list[int] | None) -> PredictionTable:
    probabilities = np.array([[1 / 3, 2 / 3], [0.75, 0.25], [1e-12, 1 - 1e-12]])
    return PredictionTable(
        paths=np.array(["a/1.jpg", "b/1.jpg", "b/2, again.jpg"]),
        groups=np.array(["anna", "bert", "bert"]),
        classes=["left", "right"],
        predictions=Predictions(np.arange(3), np.array([0, 1, 1]), probabilities),
        folds=None if folds is None else np.array(folds),
    )


@pytest.mark.parametrize("folds", [None, [2, 0, 0]])
def test_what_is_written_is_read(tmp_path: Path, folds: list[int] | None) -> None:
    path = tmp_path / "test" / "predictions.csv"
    written = make_table(folds)
    written.write(path)
    assert [file.name for file in path.parent.iterdir()] == ["predictions.csv"]
    table = read_prediction_table(path)
    assert table.paths.tolist() == written.paths.tolist()
    assert table.groups.tolist() == written.groups.tolist()
    assert table.classes == written.classes
    assert table.predictions.labels.tolist() == [0, 1, 1]
    assert table.predictions.probabilities == pytest.approx(written.predictions.probabilities, rel=1e-8)
    assert (None if table.folds is None else table.folds.tolist()) == folds
    assert (len(table), table.grouped, table.correct.tolist()) == (3, True, [False, False, True])


def test_the_bytes_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    make_table([2, 0, 0]).write(path)
    assert path.read_bytes() == (
        b"path,group,fold,label,left,right\n"
        b"a/1.jpg,anna,2,left,0.333333333,0.666666667\n"
        b"b/1.jpg,bert,0,right,0.75,0.25\n"
        b'"b/2, again.jpg",bert,0,right,1e-12,1\n'
    )
    make_table(None).write(path)
    assert path.read_bytes().splitlines()[:2] == [b"path,group,label,left,right", b"a/1.jpg,anna,left,0.333333333,0.666666667"]


def test_rows_are_sorted_by_path(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_text("path,group,label,left,right\nb.jpg,b,right,0.25,0.75\na.jpg,a,left,0.75,0.25\n")
    table = read_prediction_table(path)
    assert table.paths.tolist() == ["a.jpg", "b.jpg"]
    assert table.predictions.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "path,group,label,left,right\n",
        "path,group,label,left,right\na.jpg,a,left,0.75,0.25\nb.jpg,b,le",
        "path,group,label,left,right\na.jpg,a,up,0.75,0.25\n",
        "path,group,left,right\na.jpg,a,0.75,0.25\n",
        "path,group,label,left,right\na.jpg,a,left,0.75,much\n",
    ],
)
def test_a_missing_or_damaged_table_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "predictions.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(NotTestedError, match=str(path)):
        read_prediction_table(path)
