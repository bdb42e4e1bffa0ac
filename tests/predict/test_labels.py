"""What a row says: labels, by a threshold too, and what the network does not know."""

import re
from pathlib import Path

import pytest

from posture_classifier import Classifier
from posture_classifier.cli.program import main
from posture_classifier.data.folder import RESERVED, TABLE_COLUMNS
from posture_classifier.inference import Prediction
from posture_classifier.predict.rows import Rows
from posture_classifier.predict.summary import Summary
from posture_classifier.runs.predictions import OWN_COLUMNS
from posture_classifier.utils.tables import read_rows
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT, interval, judge
from tests.helpers.photos import DrawFolder


@pytest.fixture
def photos(draw_folder: DrawFolder) -> Path:
    root = draw_folder(people=2)
    (root / "left" / "broken.jpg").write_text("no image")
    return root


def test_columns_are_there_where_the_checkpoint_can_tell(photos: Path, tmp_path: Path) -> None:
    plain = ["path", "label", "probability", "left", "right", "error"]
    for parts, columns in {
        (): [*plain[:-1], "sure", "distance", "familiar", "error"],
        ("abstention",): [*plain[:-1], "distance", "familiar", "error"],
        ("familiarity",): [*plain[:-1], "sure", "error"],
        ("abstention", "familiarity"): plain,
    }.items():
        checkpoint, output = judge(tmp_path / "judged.ckpt", without=parts), tmp_path / f"{len(columns)}{parts}.csv"
        assert main(["predict", str(checkpoint), str(photos), "--output", str(output)]) == 1
        rows = read_rows(output)
        assert list(rows[0]) == columns
        for row in rows:
            values = {row[column] for column in ("sure", "distance", "familiar") if column in columns}
            assert not values or ("" in values) == bool(row["error"]), "known of each photo that can be read"


def test_no_class_of_a_folder_is_called_like_a_column(tmp_path: Path) -> None:
    columns = Rows(Classifier.load(judge(tmp_path / "judged.ckpt")), None, heat_maps=True).columns
    assert set(columns) - {"left", "right"} == set(TABLE_COLUMNS)
    assert {*TABLE_COLUMNS, *OWN_COLUMNS} <= RESERVED


def test_what_is_not_sure_or_not_familiar_is_counted_beside_what_was_measured(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The thresholds are such that no photo is sure, and none familiar."""
    abstention = {"threshold": 1.0, "answered": interval(0.85), "accuracy": interval(0.94)}
    assert main(["predict", str(judge(tmp_path / "judged.ckpt", abstention=abstention)), str(photos)]) == 1
    said = capsys.readouterr().out
    assert len(re.findall(r"person\d_\d\.png .*not sure, unlike the training photos", said)) == 8
    assert "not sure: 8 of 8 photos" in said
    assert "85 % (95 % interval 75 to 90 %)" in said
    assert "94 % (95 % interval 84 to 99 %)" in said
    assert "unlike the training photos: 8 of 8 photos" in said
    assert "11 % (95 % interval 1 to 16 %)" in said
    assert "150 photos of 15 groups" in said
    assert main(["predict", str(OLD_CHECKPOINT), str(photos)]) == 1
    assert "not sure" not in capsys.readouterr().out


@pytest.mark.parametrize(("recall", "label"), [("0.9", "left"), ("0.95", "right")])
def test_a_class_is_caught_by_its_threshold(
    photos: Path, tmp_path: Path, recall: str, label: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the made checkpoint the threshold of left is 0 for a recall of 0.9, and 1 for 0.95."""
    checkpoint, output = str(judge(tmp_path / "judged.ckpt")), tmp_path / "table.csv"
    options = [] if recall == "0.95" else ["--recall", recall]  # 0.95 is the default
    assert main(["predict", checkpoint, str(photos), "--output", str(output), "--catch", "left", *options]) == 1
    rows = [row for row in read_rows(output) if not row["error"]]
    assert {row["label"] for row in rows} == {label}
    assert all(row["probability"] == row[label] for row in rows), "the probability is that of the label"
    assert "sure" not in rows[0]
    said = capsys.readouterr().out
    assert "94 % (95 % interval 84 to 99 %)" in said
    assert "20 % (95 % interval 10 to 25 %)" in said
    assert "150 photos of 15 groups" in said


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (["--catch", "lefd"], ["did you mean left?", "right"]),
        (["--catch", "left", "--recall", "0.8"], ["0.9, 0.95"]),
        (["--recall", "0.9"], ["--catch"]),
    ],
)
def test_what_cannot_be_caught(
    photos: Path, tmp_path: Path, options: list[str], facts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(judge(tmp_path / "judged.ckpt")), str(photos), *options]) == 2
    said = capsys.readouterr().err
    assert all(fact in said for fact in facts)


@pytest.mark.parametrize("without", [("thresholds",), None])
def test_an_old_checkpoint_catches_nothing(
    photos: Path, tmp_path: Path, without: tuple[str] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = judge(tmp_path / "judged.ckpt", without) if without else OLD_CHECKPOINT
    assert main(["predict", str(checkpoint), str(photos), "--catch", "left"]) == 2
    assert "no thresholds of left" in capsys.readouterr().err


def test_of_several_classes_the_most_probable_other_one_is_the_label(tmp_path: Path) -> None:
    from posture_classifier.predict.catching import find_catch

    classifier = Classifier.load(judge(tmp_path / "judged.ckpt"))
    classifier.class_names = ["left", "right", "sure"]
    assert classifier.evaluation is not None
    rows = Rows(classifier, find_catch("right", 0.95, classifier.class_names, classifier.evaluation, "c"), heat_maps=False)
    shares = {"left": 0.1, "right": 0.4, "sure": 0.5}
    row = rows.row(Prediction("a.jpg", "sure", 0.5, shares))
    assert (row["label"], row["probability"]) == ("sure", 0.5)
    assert row["class sure"] == 0.5, "a class may be called like a column"
    row = rows.row(Prediction("a.jpg", "left", 0.5, {"left": 0.5, "right": 0.5, "sure": 0.0}))
    assert row["label"] == "right", "from the threshold on"


def test_the_table_in_the_terminal_holds_fifty_rows_of_many() -> None:
    summary = Summary()
    for number in range(1000):
        summary.add({"path": f"{number}.jpg", "label": "left", "probability": 0.9, "error": None, "sure": number % 2 == 0})
    assert summary.table().row_count == 51
    assert len(summary._first) == 50
    assert summary.sentences(None, None) == ["left: 1000"]
