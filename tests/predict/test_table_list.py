"""Photos that a table lists: a row each, under the table's own paths."""

import csv
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.predict.table_list import TableList
from posture_classifier.utils.errors import UserError
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT
from tests.helpers.object_server import object_server
from tests.helpers.photo_tables import rows_of, write_table
from tests.helpers.photos import DrawFolder


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def predict(table: Path, output: Path, *more: str) -> int:
    return main(["predict", str(OLD_CHECKPOINT), str(table), "--output", str(output), "--batch_size", "1", *more])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_rows_are_those_of_the_table(tmp_path: Path, draw_folder: DrawFolder, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    root = draw_folder(people=2)
    paths = [path for path, *_ in rows_of(root)][::-1]
    listed = [*paths, "left/none.png", str(root / paths[0]), paths[0], f"./{paths[1]}"]
    table = write_table(root / f"mine{suffix}", [(path, "2026") for path in listed], ("path", "taken"))
    assert predict(table, tmp_path / "of_table.csv") == 1, "a file is missing"
    rows = read(tmp_path / "of_table.csv")
    assert [row["path"] for row in rows] == listed
    assert [row["path"] for row in rows if row["error"]] == ["left/none.png"]
    assert main(["predict", str(OLD_CHECKPOINT), str(root), "--output", str(tmp_path / "of_folder.csv"), "--batch_size", "1"]) == 0
    expected = {row["path"].removeprefix(f"{root}/"): row["probability"] for row in read(tmp_path / "of_folder.csv")}
    assert {path: row["probability"] for path, row in zip(paths, rows, strict=False)} == expected


def test_shards_of_a_table_and_their_merging(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=3)
    table = write_table(root / "mine.csv", rows_of(root))
    for number in range(2):
        assert predict(table, tmp_path / "all.csv", "--shard", f"{number}/2") == 0
    assert predict(table, tmp_path / "all.csv", "--merge") == 0
    assert sorted(row["path"] for row in read(tmp_path / "all.csv")) == [path for path, *_ in rows_of(root)]


def test_each_object_is_fetched_once(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=2)
    with object_server(root) as server:
        listed = [*rows_of(root, f"{server.url}/"), (f"{server.url}/none.png", "left", "nobody")]
        table = write_table(tmp_path / "mine.csv", listed)
        assert predict(table, tmp_path / "all.csv") == 1
        assert sorted(server.asked) == sorted(path.removeprefix(f"{server.url}/") for path, *_ in listed)
        rows = read(tmp_path / "all.csv")
        assert [row["path"] for row in rows] == [path for path, *_ in listed]
        assert [row["error"] for row in rows if row["error"]] == ["no such file"]
        server.asked.clear()
        assert predict(table, tmp_path / "explained.csv", "--explain", str(tmp_path / "maps")) == 1
        assert len(server.asked) == 2 * len(listed) - 1, "once more for the map of each photo"
        assert len(list((tmp_path / "maps").iterdir())) == sum(bool(row["heat_map"]) for row in read(tmp_path / "explained.csv"))


def test_a_table_that_cannot_be_used_is_refused_before_the_first_photo(
    tmp_path: Path, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    root = draw_folder(people=2)
    good = rows_of(root)
    wrong = {
        "row 9": [*good, ("", "left", "anna")],
        "nonsense://": [*good, ("nonsense://host/1.png", "left", "anna")],
        "password": [*good, ("https://anna:secret@host/1.png", "left", "anna")],
        "no photos": [],
    }
    for number, (expected, rows) in enumerate(wrong.items()):
        table = write_table(root / f"{number}.csv", rows)
        assert predict(table, tmp_path / "all.csv") == 2
        message = capsys.readouterr().err
        assert expected in message
        assert "secret" not in message
    with pytest.raises(UserError, match="column path"):
        TableList(write_table(root / "files.csv", good, ("file", "label", "group")))
    (root / "no.parquet").write_text("nothing")
    with pytest.raises(UserError):
        TableList(root / "no.parquet")
    table = write_table(root / "mine.csv", good)
    assert main(["predict", str(OLD_CHECKPOINT), str(table), str(root)]) == 2
    assert "give it alone" in capsys.readouterr().err
    before = table.read_bytes()
    assert predict(table, table, "--overwrite", "true") == 2
    assert table.read_bytes() == before
    assert not list(tmp_path.glob("all*"))
