"""The command ``check``: what it prints, writes and refuses."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest

from posture_classifier.cli.program import main
from posture_classifier.data.module import PostureData
from tests.helpers.check_folders import CLASSES, draw_scenes
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder, bomb
from tests.helpers.program import Fit


def test_a_clean_folder_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(draw_scenes(tmp_path / "clean", each=25))]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


def test_names_of_any_bytes_and_bombs_are_findings(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    root, fixes = draw_scenes(tmp_path / "photos", each=3), tmp_path / "fixes.csv"
    bomb(root / "circles" / "bomb.png")
    if hasattr(os, "mkfifo"):  # not on Windows
        os.mkfifo(root / "squares" / "pipe.jpg")
    shutil.copy(root / "circles/000.jpg", root / "circles/caf\udce9.jpg")
    (root / "squares" / "\x1b[31mred.jpg").touch()  # makes a terminal write in red
    (root / "\udcec\udc95").mkdir()  # as Python spells these bytes
    shutil.copy(root / "circles/002.jpg", root / "\udcec\udc95/a.jpg")
    assert main(["check", str(root), "--output", str(tmp_path / "report"), "--fix_list", str(fixes)]) == 2
    unreadable = next(f for f in json.loads((tmp_path / "report/check.json").read_text())["findings"] if f["kind"] == "unreadable")
    names = ["circles/bomb.png", "circles/caf\udce9.jpg", "squares/\x1b[31mred.jpg", "squares/pipe.jpg", "\udcec\udc95/a.jpg"]
    assert unreadable["photos"] == [[name] for name in names]
    assert "179 million" in unreadable["captions"][0]
    assert "UTF-8" in unreadable["captions"][1]
    page, printed = (tmp_path / "report/check.html").read_text(encoding="utf-8"), capsysbinary.readouterr().out
    assert "caf\ufffd.jpg" in page
    assert "circles/caf\ufffd.jpg, squares/\ufffd[31mred.jpg".encode() in printed
    assert "\x1b" not in page
    assert b"\x1b" not in printed
    assert b"circles/caf\xe9.jpg,unreadable" in fixes.read_bytes()
    shutil.rmtree(root / "\udcec\udc95")
    fixes.write_bytes(b"".join(line for line in fixes.read_bytes().splitlines(True) if b"/a.jpg" not in line))
    assert len(PostureData(str(root), exclude=str(fixes)).photos) == 6


def test_a_missing_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert str(tmp_path / "nowhere") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--output", "{photos}/report"], "--output {photos}/report"),
        (["--fix_list", "{folder}/fixes.txt"], "--fix_list {folder}/fixes.txt"),
    ],
)
def test_where_nothing_should_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], expected: str
) -> None:
    places = {"folder": tmp_path, "photos": draw_scenes(tmp_path / "photos", each=1)}
    assert main(["check", str(places["photos"]), *(option.format(**places) for option in options)]) == 2
    assert expected.format(**places) in capsys.readouterr().err
    assert sorted(path.name for path in places["photos"].iterdir()) == sorted(CLASSES)


def test_the_report_stands_alone_and_is_never_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, report = draw_scenes(tmp_path / "a <b> folder", each=6), tmp_path / "report"
    shutil.copy(root / "circles/000.jpg", root / "circles/copy & paste.jpg")
    arguments = ["check", str(root), "--output", str(report)]
    assert main(arguments) == 1, "a copy is a warning"
    content = json.loads((report / "check.json").read_text())
    assert (content["exit_code"], content["photos"]) == (1, 13)
    assert content["findings"][0]["photos"] == [["circles/000.jpg", "circles/copy & paste.jpg"]]
    page = (report / "check.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert page.count("data:image/jpeg") == 2
    assert "a &lt;b&gt; folder" in page
    assert "circles/<wbr>copy &amp; paste.jpg" in page
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert str(report) in error
    assert "--overwrite" in error
    assert main([*arguments, "--overwrite"]) == 1


def test_fit_leaves_out_what_the_list_names(tmp_path: Path, fit: Fit, draw_folder: DrawFolder) -> None:
    root, fixes = draw_folder(), tmp_path / "fixes.csv"
    (root / "left" / "person1_x.jpg").write_text("hello")
    shutil.copy(root / "left/person1_0.png", root / "right/person1_wrong.png")
    assert main(["check", str(root), "--group_pattern", r"person\d+", "--fix_list", str(fixes)]) == 2
    with fixes.open() as file:
        left_out = {row["path"] for row in csv.DictReader(file)}
    assert left_out == {"left/person1_x.jpg", "left/person1_0.png", "right/person1_wrong.png"}
    run = fit(root, "--data.exclude", str(fixes))
    with (run / "split.csv").open() as file:
        assert not left_out & {row["path"] for row in csv.DictReader(file)}
    fixes.write_text("path\nleft/nobody.png\n")
    fit(root, "--data.exclude", str(fixes), code=2)
