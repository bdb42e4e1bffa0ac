"""Whatever a file is called, a table gives its name back, and no spreadsheet computes it."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_classifier.data.split import SPLITS
from posture_classifier.data.split_file import read_split, write_split
from posture_classifier.data.string_array import StringArray
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows, read_table, write_rows
from tests.helpers.photos import photos_of

# What ends a line, a cell or a table somewhere, begins a formula, or is no UTF-8.
SPECIAL = "\r\n\x85\u2028\t,;\"'=+-@\uff1d./ \x1b\ufeff\udce9"
NAMES = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(exclude_characters="\0", codec="utf-8")), min_size=1, max_size=12)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
PLAIN = settings(max_examples=150, deadline=None, database=None, derandomize=True)


def raw(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        return list(csv.reader(file))


@PLAIN
@given(st.lists(st.tuples(NAMES, NAMES, st.floats(allow_nan=False)), min_size=1, max_size=4), NAMES)
def test_a_table_gives_back_every_name(cells: list[tuple[str, str, float]], column: str) -> None:
    rows = [{"path": path, f"_{column}": text, "value": value} for path, text, value in cells]
    with TemporaryDirectory() as folder:
        path = Path(folder, "table.csv")
        write_rows(rows, list(rows[0]), path)
        assert read_table(path, ["path"]) == [{name: str(cell) for name, cell in row.items()} for row in rows]
        for row in raw(path)[1:]:
            assert not row[0].startswith(FORMULA) or is_number(row[0])
            assert not row[1].startswith(FORMULA) or is_number(row[1])


def is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@PLAIN
@given(st.lists(NAMES, min_size=6, max_size=6, unique=True), st.lists(NAMES, min_size=2, max_size=2, unique=True))
def test_predictions_give_back_every_name(names: list[str], classes: list[str]) -> None:
    classes = [f"{name}_" for name in classes]  # no class may be called like another column
    predictions = Predictions(np.arange(6), np.array([0, 1] * 3), np.full((6, 2), 0.5))
    # An array would cut off null characters at the end, which no name has.
    table = PredictionTable(np.array(sorted(names)), np.array(names), classes, predictions)
    with TemporaryDirectory() as folder:
        path = Path(folder, "test", "predictions.csv")
        table.write(path)
        found = read_prediction_table(path)
    assert found.classes == classes
    assert found.paths.tolist() == sorted(names)
    assert found.groups.tolist() == names
    assert found.predictions.labels.tolist() == [0, 1] * 3


HARD = ["=left", "a\rb", "a\nb", 'a"b', "a,b", "+1-1", "@a", "-x", "\x85x", "\tx", "'=x", "./x", " x", "é", "e\u0301"]


@pytest.mark.parametrize("name", HARD)
def test_a_split_gives_back_every_name(name: str, tmp_path: Path) -> None:
    photos = photos_of([[0, 1], [0, 1], [0, 1]], 2)
    named = replace(
        photos,
        root=tmp_path,
        classes=(name, "zebra"),
        paths=StringArray(f"{name}/{i}" for i in range(6)),
        groups=StringArray(f"{name}{i // 2}" for i in range(6)),
        splits=np.repeat(np.array(SPLITS), 2),
    )
    write_split(named, tmp_path / "split.csv")
    found = read_split(replace(named, splits=photos.splits, grouped=False), tmp_path / "split.csv")
    assert found.splits.tolist() == named.splits.tolist()
    assert list(found.groups) == list(named.groups)
    assert {row["label"] for row in read_rows(tmp_path / "split.csv")} == {name, "zebra"}


def test_a_path_stays_a_path_and_a_number_a_number(tmp_path: Path) -> None:
    write_rows([{"path": "=1.jpg", "group": "=1", "value": "-0.5"}], ["path", "group", "value"], tmp_path / "table.csv")
    assert raw(tmp_path / "table.csv")[1] == ["./=1.jpg", "'=1", "-0.5"]


@pytest.mark.parametrize(("name", "marked"), [("거북목", True), ("turtle", False), ("=é", True)])
def test_excel_is_told_the_encoding_where_a_name_is_not_ascii(name: str, marked: bool, tmp_path: Path) -> None:
    rows = [{"path": "a.jpg", "label": name}]
    for suffix in ("csv", "jsonl"):
        write_rows(iter(rows), ["path", "label"], tmp_path / f"table.{suffix}")
    written = (tmp_path / "table.csv").read_bytes()
    assert written.startswith(b"\xef\xbb\xbfpath,label\n") == marked
    assert written.count(b"\xef\xbb\xbf") == marked
    assert read_table(tmp_path / "table.csv", ["path"]) == rows
    assert json.loads((tmp_path / "table.jsonl").read_text(encoding="utf-8")) == rows[0]


def test_tables_of_before_that_mark_are_read(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("path,label\na.jpg,거북목\n", encoding="utf-8")
    assert read_rows(tmp_path / "table.csv", ["path"]) == [{"path": "a.jpg", "label": "거북목"}]


def test_what_somebody_wrote_by_hand_is_read_too(tmp_path: Path) -> None:
    """With the byte order mark of Excel, cells too many or too few, and an unguarded formula."""
    path = tmp_path / "table.csv"
    path.write_bytes("\ufeffpath,group\r\n=1.jpg,=1,,\r\n\r\nb.jpg\r\n".encode())
    assert read_table(path, ["path"]) == [{"path": "=1.jpg", "group": "=1"}, {"path": "b.jpg", "group": ""}]


@pytest.mark.parametrize(
    ("text", "place"), [("path,x\na,1\n,2\n", "line 3"), ("x\n1\n", "path"), ("", "path"), ('path\n"' + "a" * 200_000, "field")]
)
def test_a_damaged_table_says_where(text: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(text)
    with pytest.raises(UserError, match=rf"table\.csv.*{place}"):
        read_rows(tmp_path / "table.csv", ["path"])


def test_no_table_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "table.csv", ["path"]) == []
