"""Tables of photos: what is read of them, and what is refused."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.module import PostureData
from posture_classifier.data.photo_table import read_photo_table
from posture_classifier.data.split import crossing_groups
from posture_classifier.data.split_file import read_split, write_split
from posture_classifier.utils.errors import UserError
from tests.helpers.photo_tables import COLUMNS, rows_of, write_table
from tests.helpers.photos import DrawFolder

SPLIT_COLUMNS = (*COLUMNS, "split")


def refusal(table: Path, **options: Any) -> str:
    with pytest.raises(UserError) as caught:
        _ = PostureData(table=str(table), **options).photos
    return str(caught.value)


def written(tmp_path: Path, *rows: Sequence[object], columns: Sequence[str] = COLUMNS) -> Path:
    """A table beside photos a.png to f.png, which nobody looks into."""
    for name in "abcdef":
        (tmp_path / f"{name}.png").touch()
    return write_table(tmp_path / "photos.csv", rows, columns)


def same(one: Photos, other: Photos) -> bool:
    columns = ("classes", "grouped")
    arrays = ("paths", "labels", "groups", "splits", "rows")
    return all(getattr(one, name) == getattr(other, name) for name in columns) and all(
        np.array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name))) for name in arrays
    )


@pytest.mark.parametrize("name", ["photos.csv", "photos.parquet", "PHOTOS.CSV"])
def test_a_table_of_a_folder_is_the_folder(tmp_path: Path, draw_folder: DrawFolder, name: str) -> None:
    root = draw_folder()
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    rows = rows_of(root)
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    photos = read_photo_table(write_table(tmp_path / name, rows), root)
    assert same(photos, read_folder(root, group_pattern=r"person\d"))


@pytest.mark.parametrize(("separator", "mark"), [(",", b""), (";", b"\xef\xbb\xbf"), ("\t", b"\xef\xbb\xbf")])
def test_as_excel_writes_it(tmp_path: Path, separator: str, mark: bytes) -> None:
    table = written(tmp_path, columns=())
    write_table(table, [("a.png", "앞", "민준", 1.5), ("b.png", "뒤", "서연", 2)], (*COLUMNS, "note"), separator)
    table.write_bytes(mark + table.read_bytes().replace(b"\n", b"\r\n"))
    photos = read_photo_table(table, tmp_path)
    assert photos.classes == ("뒤", "앞")
    assert photos.groups.tolist() == ["민준", "서연"]


def test_numbers_are_names_and_an_empty_column_is_none(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    written(tmp_path)
    table = write_table(tmp_path / "t.parquet", [("b.png", 10, None), ("a.png", 9, None)])
    photos = read_photo_table(table, tmp_path)
    assert (photos.classes, photos.labels.tolist(), photos.grouped) == (("10", "9"), [1, 0], False)
    assert photos.groups is photos.paths


def test_the_tables_folder_is_the_root_and_absolute_paths_below_it_are_relative(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    (tmp_path / "photos").mkdir()
    elsewhere.touch()
    table = written(tmp_path / "photos", ("./a.png", 0, 0), (tmp_path / "photos" / "b.png", 1, 1), (elsewhere, 1, 2))
    data = PostureData(table=str(table))
    assert data.root == str(tmp_path / "photos")
    assert sorted(data.choice.indexed.paths) == [str(elsewhere), "a.png", "b.png"]


def test_splits_of_a_table_hold_as_those_of_folders(tmp_path: Path) -> None:
    rows = [(f"{name}.png", i % 2, i // 2, ("TRAIN", "validation", "test")[i // 2]) for i, name in enumerate("abcdef")]
    data = PostureData(table=str(written(tmp_path, *rows, columns=SPLIT_COLUMNS)))
    assert data.photos.splits.tolist() == ["train", "train", "val", "val", "test", "test"]
    assert "column split" in refusal(tmp_path / "photos.csv", folds=2)


def test_a_group_on_two_sides_is_refused_as_in_split_folders(tmp_path: Path) -> None:
    rows = [(f"{name}.png", i % 2, "anna", ("train", "val", "test")[i // 2]) for i, name in enumerate("abcdef")]
    assert "anna" in refusal(written(tmp_path, *rows, columns=SPLIT_COLUMNS))


def test_drawn_splits_keep_groups_whole(draw_folder: DrawFolder) -> None:
    root = draw_folder()
    photos = PostureData(table=str(write_table(root / "photos.csv", rows_of(root)))).photos
    assert set(photos.splits.tolist()) == {"train", "val", "test"}
    assert not crossing_groups(photos)


def test_a_pattern_or_looks_make_groups_where_the_table_has_none(draw_folder: DrawFolder) -> None:
    root = draw_folder()
    table = write_table(root / "photos.csv", [row[:2] for row in rows_of(root)], COLUMNS[:2])
    data = PostureData(table=str(table), group_pattern=r"person\d")
    assert same(data.photos, PostureData(str(root), group_pattern=r"person\d").photos)
    assert "column group" in refusal(write_table(root / "photos.csv", rows_of(root)), group_pattern=r"person\d")
    assert "column group" in refusal(root / "photos.csv", group_by="cluster")
    assert "data.layout" in refusal(root / "photos.csv", layout="class")
    assert "data.group_by folder" in refusal(root / "photos.csv", group_by="folder")


def test_a_split_file_finds_the_photos_of_a_table(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    table = write_table(tmp_path / "photos.csv", rows_of(root))
    photos = PostureData(str(root), table=str(table)).photos
    write_split(photos, tmp_path / "split.csv")
    assert same(read_split(read_photo_table(table, root), tmp_path / "split.csv"), photos)
    write_table(table, rows_of(root)[1:])
    with pytest.raises(UserError, match=re.escape(rows_of(root)[0][0])):
        read_split(read_photo_table(table, root), tmp_path / "split.csv")


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a.png", "", "x"), ("b.png", " ", "x"), ("c.png", 1, "x")], ["2 rows", "label", "row 2: a.png", "row 3: b.png"]),
        ([("a.png", 0, "x"), ("", 1, "x")], ["1 row", "path", "row 3"]),
        ([("a.png", 0, "x"), ("b.png", 1, "")], ["1 row", "group", "row 3: b.png"]),
        ([("a.png", 0, "x"), ("../b.png", 1, "x")], ["1 row", "outside", "row 3: ../b.png"]),
        ([("c.png", 0, "x"), ("b.png", 1, "x"), ("./c.png", 1, "x")], ["1 row", "earlier row", "row 4: c.png"]),
        ([(f"{n}.png", n % 2, "x") for n in range(5)], ["5 rows", "not there", "row 2: 0.png", "row 4: 2.png and 2 more"]),
        ([("a.png", 0, "x"), ("b.png", 0, "x")], ["one class only (0)"]),
        ([("a.png", "label", "x"), ("b.png", 0, "x")], ["cannot be called label"]),
        ([("https://anna:secret@host/a.png", 0, "x"), ("b.png", 1, "x")], ["1 row", "password", "row 2)"]),
        ([], ["no row"]),
    ],
)
def test_what_is_wrong_with_rows_is_said_in_one_sentence(tmp_path: Path, rows: list[Sequence[object]], words: list[str]) -> None:
    said = refusal(written(tmp_path, *rows))
    assert all(word in said for word in [str(tmp_path / "photos.csv"), *words]), said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("splits", "words"),
    [
        (["train", "val", ""], ["1 row", "split", "row 4: c.png"]),
        (["train", "val", "dev"], ["1 row", "unknown split", "row 4: c.png dev"]),
        (["test", "val", "val"], ["val and test", "expected train"]),
        (["train", "train", "train"], ["expected train"]),
    ],
)
def test_splits_that_are_none_are_refused(tmp_path: Path, splits: list[str], words: list[str]) -> None:
    rows = [(f"{name}.png", i % 2, i, split) for i, (name, split) in enumerate(zip("abc", splits, strict=True))]
    said = refusal(written(tmp_path, *rows, columns=SPLIT_COLUMNS))
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("columns", "words"),
    [(("file", "label", "x"), ["needs", "path", "file"]), (("path", "label", "Groups"), ["Groups", "call it group"])],
)
def test_other_columns_are_named(tmp_path: Path, columns: tuple[str, ...], words: list[str]) -> None:
    said = refusal(written(tmp_path, ("a.png", 0, "x"), columns=columns))
    assert all(word in said for word in words), said


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    assert ".csv or .parquet" in refusal(tmp_path / "photos.xlsx")
    assert "No such file" in refusal(tmp_path / "none.csv")
    (tmp_path / "cp949.csv").write_bytes("path,label\na.png,앞\n".encode("cp949"))
    (tmp_path / "a.png").touch()
    assert "UTF-8" in refusal(tmp_path / "cp949.csv")
    pytest.importorskip("pyarrow")
    (tmp_path / "text.parquet").write_text("path,label\n")
    assert "cannot be read" in refusal(tmp_path / "text.parquet")
    with pytest.raises(UserError, match=r"data\.root"):
        PostureData()


def test_missing_files_are_skipped_where_that_was_asked(draw_folder: DrawFolder) -> None:
    root = draw_folder()
    table = write_table(root / "photos.csv", [*rows_of(root), ("left/none.png", "left", "person0")])
    assert "row 26: left/none.png" in refusal(table)
    with pytest.warns(UserWarning, match=r"none\.png"):
        assert len(PostureData(table=str(table), on_error="skip").photos) == len(rows_of(root))


def test_the_column_of_groups_may_be_left_aside(tmp_path: Path) -> None:
    table = written(tmp_path, *[(f"{name}.png", number % 2, number // 2) for number, name in enumerate("abcdef")])
    assert not PostureData(table=str(table), group_by="none").choice.indexed.grouped
    assert "data.group_by" in refusal(table, group_by="cluster")
