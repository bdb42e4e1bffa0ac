"""Parts of the photos: every photo once, whatever part it is in, and one table of all of them."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.predict.shard import Shard, choose_shard
from posture_classifier.utils.errors import UserError
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT, judge
from tests.helpers.photos import DrawFolder


def read(path: Path) -> list[dict[str, str]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".parquet":
        from pyarrow import parquet

        rows: list[dict[str, str]] = parquet.read_table(path).to_pylist()
        return rows
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def photos(draw_folder: DrawFolder) -> Path:
    root = draw_folder(people=3)
    (root / "left" / "broken.jpg").write_text("no image")
    (root / "right" / "거북목, =1.png").write_bytes((root / "right" / "person0_0.png").read_bytes())
    return root


@pytest.mark.parametrize("of", [2, 3, 8])
def test_every_path_is_in_one_shard(of: int) -> None:
    paths = [f"photos/{n:06}.jpg" for n in range(4000)]
    held = Counter(sum(Shard(number, of).holds(path) for number in range(of)) for path in paths)
    assert held == {1: 4000}
    sizes = [sum(map(Shard(number, of).holds, paths)) for number in range(of)]
    assert max(sizes) < 1.2 * 4000 / of, "about as many in each"


def test_a_shard_is_that_of_torchrun_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_shard(None) == Shard(0, 1)
    monkeypatch.setenv("RANK", "2")
    assert choose_shard(None) == Shard(0, 1), "a rank alone says nothing"
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert choose_shard(None) == Shard(2, 4)
    assert choose_shard("0/3") == Shard(0, 3)


@pytest.mark.parametrize("text", ["4/4", "1", "a/b", "-1/4", "0/0", "1/2/3", ""])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(UserError, match="0/4 to 3/4"):
        choose_shard(text)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_shards_together_are_the_table_of_one_process(photos: Path, tmp_path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    output = tmp_path / f"table{suffix}"
    whole = ["predict", str(OLD_CHECKPOINT), str(photos), "--batch_size", "1", "--output"]
    assert main([*whole, str(tmp_path / f"one{suffix}")]) == 1
    for number in range(3):
        assert main([*whole, str(output), "--shard", f"{number}/3"]) == 0, "torchrun would end the other processes"
    assert not output.exists()
    assert main([*whole, str(output), "--merge"]) == 1
    rows, one = (sorted(read(path), key=lambda row: row["path"]) for path in (output, tmp_path / f"one{suffix}"))
    assert rows == one
    assert len(rows) == 14
    (broken,) = [row for row in rows if row["error"]]
    assert Path(broken["path"]).name == "broken.jpg"
    finished = json.loads(Path(f"{output}.manifest.json").read_text())["finished"]
    alone = json.loads((tmp_path / f"one{suffix}.manifest.json").read_text())["finished"]
    assert {key: value for key, value in finished.items() if key != "bytes"} == {
        key: value for key, value in alone.items() if key != "bytes"
    }
    assert (finished["rows"], finished["unreadable"], finished["listed"]) == (14, 1, 14)


def test_a_finished_shard_is_not_computed_again(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["predict", str(OLD_CHECKPOINT), str(photos), "--output", str(tmp_path / "table.csv"), "--shard", "0/2"]
    assert main(arguments) == 0
    table = tmp_path / "table.shard-0-of-2.csv"
    before = table.stat().st_mtime_ns
    assert main(arguments) == 0
    assert table.stat().st_mtime_ns == before
    assert "finished already" in capsys.readouterr().out
    assert main([*arguments, "--precision", "fp32"]) == 2, "another command"
    assert "precision auto" in capsys.readouterr().err
    (tmp_path / "table.shard-0-of-2.csv.manifest.json").unlink()
    assert main(arguments) == 2, "somebody else's file"
    assert table.stat().st_mtime_ns == before


def test_only_whole_shards_of_one_command_are_merged(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "table.csv"
    shards = [tmp_path / f"table.shard-{number}-of-2.csv" for number in range(2)]
    arguments = ["predict", str(OLD_CHECKPOINT), str(photos), "--output", str(output)]

    def refused(*facts: str) -> bool:
        assert main([*arguments, "--merge"]) == 2
        said = capsys.readouterr().err
        return all(fact in said for fact in facts) and not output.exists()

    assert refused("no shards", "table.shard-0-of-2.csv")
    assert main([*arguments, "--shard", "0/2"]) == 0
    assert refused(shards[1].name, "missing", "--shard 1/2")
    shards[1].with_name(f"{shards[1].name}.part").write_text("path")
    assert refused(shards[1].name, "not finished")
    shards[1].with_name(f"{shards[1].name}.part").unlink()
    assert main([*arguments, "--shard", "1/2"]) == 0
    content = shards[1].read_bytes()
    shards[1].write_bytes(content[:-1])
    assert refused(shards[1].name, "not as it was written")
    shards[1].write_bytes(content)
    other = [arguments[0], str(judge(tmp_path / "other.ckpt")), *arguments[2:], "--merge"]
    assert main(other) == 2
    assert "another network" in capsys.readouterr().err
    assert main([*arguments, "--shard", "0/3"]) == 0
    assert refused("of 2 and of 3")
    (tmp_path / "table.shard-0-of-3.csv").unlink()
    assert main([*arguments, "--merge"]) == 1
    assert main([*arguments, "--merge"]) == 2, "what is there is not overwritten"
    assert "--overwrite" in capsys.readouterr().err


def test_photos_that_come_meanwhile_are_told_of(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["predict", str(OLD_CHECKPOINT), str(photos), "--output", str(tmp_path / "table.csv")]
    assert main([*arguments, "--shard", "0/2"]) == 0
    for number in range(6):
        (photos / "left" / f"late{number}.png").write_bytes((photos / "left" / "person0_0.png").read_bytes())
    assert main([*arguments, "--shard", "1/2"]) == 0
    capsys.readouterr()
    assert main([*arguments, "--merge"]) == 1
    assert "have come or gone" in capsys.readouterr().out
    paths = [row["path"] for row in read(tmp_path / "table.csv")]
    assert len(paths) == len(set(paths))
    assert {str(path) for path in photos.glob("*/person*")} <= set(paths)


def test_more_shards_than_photos(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=1, each=1)
    arguments = ["predict", str(OLD_CHECKPOINT), str(root), "--output", str(tmp_path / "table.csv")]
    for number in range(5):
        assert main([*arguments, "--shard", f"{number}/5"]) == 0
    assert main([*arguments, "--merge"]) == 0
    assert len(read(tmp_path / "table.csv")) == 2


def test_a_shard_needs_a_table(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(OLD_CHECKPOINT), str(photos), "--shard", "0/2"]) == 2
    assert "--output" in capsys.readouterr().err
    assert main(["predict", str(OLD_CHECKPOINT), str(photos), "--merge"]) == 2
    assert "--output" in capsys.readouterr().err
