"""A prediction that was killed: no row is lost or there twice, and no other is taken for it."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from filelock import FileLock

from posture_classifier import Classifier, inference
from posture_classifier.cli.program import main
from posture_classifier.predict import progress
from posture_classifier.utils.tables import read_rows
from tests.helpers.judged_checkpoint import OLD_CHECKPOINT, judge
from tests.helpers.photo_tables import rows_of, write_table
from tests.helpers.photos import DrawFolder
from tests.helpers.signalled import started

NAMES = ["a,b.png", 'a "quoted" name.png', "two\nlines.png", "=1.png", "거북목.png", "carriage\rreturn.png"]


@pytest.fixture
def photos(draw_folder: DrawFolder) -> Path:
    root = draw_folder(people=3)
    for name in NAMES:
        (root / "left" / name).write_bytes((root / "left" / "person0_0.png").read_bytes())
    (root / "right" / "broken.jpg").write_text("no image")
    return root


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths of the photos that are classified, in order; the list may grow, and may be cleared."""
    paths: list[str] = []
    classify = Classifier._classify

    def noting(self: Classifier, some: list[inference._Decoded]) -> list[inference.Prediction]:
        paths.extend(photo.path for photo in some)
        return classify(self, some)

    monkeypatch.setattr(Classifier, "_classify", noting)
    return paths


def arguments_for(photos: Path, output: Path) -> list[str]:
    return ["predict", str(OLD_CHECKPOINT), str(photos), "--batch_size", "1", "--output", str(output)]


def begin(arguments: list[str], monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Run a command that ends without a word after some rows, as if it were killed."""
    with monkeypatch.context() as patch:
        advance = progress.Progress.advance

        def advance_or_end(self: progress.Progress) -> None:
            advance(self)
            if self.done == after:
                raise SystemExit

        patch.setattr(progress.Progress, "advance", advance_or_end)
        with pytest.raises(SystemExit):
            main(arguments)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize("torn", [0, 1, 40, 10_000])
def test_a_torn_table_becomes_that_of_an_uninterrupted_command(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], suffix: str, torn: int
) -> None:
    """``torn`` bytes of its end are missing."""
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    whole, output = tmp_path / f"whole{suffix}", tmp_path / f"table{suffix}"
    assert main(arguments_for(photos, whole)) == 1
    begin(arguments_for(photos, output), monkeypatch, after=9)
    part = output.with_name(f"{output.name}.part")
    assert not output.exists()
    os.truncate(part, max(part.stat().st_size - torn, 0))
    asked.clear()
    assert main(arguments_for(photos, output)) == 1
    assert output.read_bytes() == whole.read_bytes()
    left = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(("table", ".table")))
    assert left == [output.name, f"{output.name}.manifest.json"]
    kept = {0: 9, 1: 8, 40: 8, 10_000: 0}[torn]
    assert len(asked) == 19 - kept, "what is there is not computed again"


def test_a_damaged_row_and_all_after_it_are_computed_again(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]
) -> None:
    """After a power failure a file may have zeros in it."""
    assert main(arguments_for(photos, tmp_path / "whole.csv")) == 1
    output = tmp_path / "table.csv"
    begin(arguments_for(photos, output), monkeypatch, after=9)
    with (tmp_path / "table.csv.part").open("r+b") as file:
        for _ in range(4):
            file.readline()
        file.write(b"\0" * 30)
        file.seek(0, os.SEEK_END)
        file.write(b"\0" * 10_000)
    asked.clear()
    assert main(arguments_for(photos, output)) == 1
    assert output.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert len(asked) == 16


def test_it_says_that_it_goes_on_and_what_is_done_counts(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = arguments_for(photos, tmp_path / "table.csv")
    begin(arguments, monkeypatch, after=18)
    capsys.readouterr()
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert f"18 photos are done in {tmp_path / 'table.csv.part'}" in said
    assert "19 rows written" in said
    assert "1 of 19 photos could not be read" in said


def test_other_commands_are_refused_and_may_begin_anew(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    output = tmp_path / "table.csv"
    arguments = arguments_for(photos, output)
    begin(arguments, monkeypatch, after=5)
    part = (tmp_path / "table.csv.part").read_bytes()
    other = {
        "another network": ["predict", str(judge(tmp_path / "other.ckpt")), *arguments[2:]],
        "other photos": ["predict", str(OLD_CHECKPOINT), str(photos / "left"), *arguments[3:]],
        "precision auto": [*arguments, "--precision", "fp32"],
        "heat_maps False": [*arguments, "--explain", str(tmp_path / "maps")],
    }
    for fact, command in other.items():
        assert main(command) == 2
        said = capsys.readouterr().err
        assert fact in said
        assert "--overwrite" in said
        assert (tmp_path / "table.csv.part").read_bytes() == part
    asked.clear()
    assert main([*other["other photos"], "--overwrite", "true"]) == 0
    assert len(asked) == len(read_rows(output)) == 6 + len(NAMES)


def test_a_folder_that_has_changed_is_refused(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = arguments_for(photos, tmp_path / "table.csv")
    begin(arguments, monkeypatch, after=5)
    part = (tmp_path / "table.csv.part").read_bytes()
    (photos / "left" / "0.png").write_bytes((photos / "left" / "person0_0.png").read_bytes())
    assert main(arguments) == 2
    assert "photos are others" in capsys.readouterr().err
    assert (tmp_path / "table.csv.part").read_bytes() == part


def test_two_processes_do_not_write_one_table(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = arguments_for(photos, tmp_path / "table.csv")
    with FileLock(tmp_path / ".table.csv.lock"):
        assert main(arguments) == 2
    assert "another process" in capsys.readouterr().err
    assert main(arguments) == 1


def test_overwriting_keeps_the_old_table_until_the_new_one_is_whole(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "table.csv"
    output.write_text("old")
    arguments = [*arguments_for(photos, output), "--overwrite", "true"]
    begin(arguments, monkeypatch, after=5)
    assert output.read_text() == "old"
    assert main(arguments) == 1
    assert len(read_rows(output)) == 19


def test_the_manifest_says_what_a_table_is_of(photos: Path, tmp_path: Path) -> None:
    assert main(arguments_for(photos, tmp_path / "table.jsonl")) == 1
    manifest = json.loads((tmp_path / "table.jsonl.manifest.json").read_text())
    assert manifest["photos"] == [str(photos)]
    assert manifest["columns"] == ["path", "label", "probability", "left", "right", "error"]
    finished = manifest["finished"]
    assert finished["bytes"] == (tmp_path / "table.jsonl").stat().st_size
    assert (finished["rows"], finished["unreadable"], finished["listed"]) == (19, 1, 19)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found below /proc")
def test_a_process_that_is_killed_goes_on(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder(people=200, each=5)
    arguments = ["predict", str(OLD_CHECKPOINT), str(root), "--batch_size", "1", "--output"]
    assert main([*arguments, str(tmp_path / "whole.csv")]) == 0
    killed = 0
    for number in range(8):
        with started([*arguments, str(tmp_path / "table.csv")], tmp_path / "log.txt") as program:
            part = tmp_path / "table.csv.part"
            before = part.stat().st_size if part.exists() else 0
            while program.main.poll() is None and not (part.exists() and part.stat().st_size > before + 50_000):
                time.sleep(0.002)
            killed += program.main.poll() is None
            if program.send(signal.SIGKILL, program.main.pid).code == 0:
                break
        assert number < 7, "it comes to its end"
    assert killed >= 2
    assert (tmp_path / "table.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_table_of_photos_is_taken_up_where_it_was(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    listed = [(path,) for path, *_ in rows_of(photos)]
    table = write_table(photos / "mine.csv", listed, ["path"])
    whole, output = tmp_path / "whole.csv", tmp_path / "table.csv"
    assert main(arguments_for(table, whole)) == 0
    begin(arguments_for(table, output), monkeypatch, after=5)
    asked.clear()
    write_table(table, listed[1:], ["path"])
    assert main(arguments_for(table, output)) == 2, "rows have moved"
    assert "cannot be resumed" in capsys.readouterr().err
    assert not asked
    write_table(table, listed, ["path"])
    assert main(arguments_for(table, output)) == 0
    assert len(asked) == len(listed) - 5
    assert read_rows(output) == read_rows(whole)
