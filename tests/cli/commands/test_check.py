"""The command ``check``: what it prints, writes and refuses."""

import csv
import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from posture_classifier.cli.program import main
from posture_classifier.data.module import PostureData
from tests.helpers.check_folders import CLASSES, draw_scenes, scene
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder, bomb
from tests.helpers.program import Fit


def test_a_clean_folder_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(draw_scenes(tmp_path / "clean", each=25))]) == 0
    assert "0 errors, 0 warnings" in capsys.readouterr().out


def test_trifles_leave_a_tidy_folder_fine(tmp_path: Path) -> None:
    """What phones and scanners write, a dark photo, and a pair of one moment are no faults."""
    root = draw_scenes(tmp_path / "tidy", each=25)
    folder, exif = root / "circles", Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 20.0, 0.0)})
    exif[0x0112] = 6
    scene(0, 900).save(folder / "phone.jpg", exif=exif, quality=92)
    scene(0, 901).save(folder / "scanned.jpg", "PNG")
    scene(0, 902, (960, 720)).save(folder / "large.jpg", quality=92)
    scene(0, 903).point(lambda value: value // 6).save(folder / "night.jpg", quality=92)
    Image.open(folder / "000.jpg").crop((8, 6, 152, 114)).save(folder / "moment.jpg", quality=92)
    assert main(["check", str(root), "--output", str(tmp_path / "report")]) == 0
    found = {each["kind"]: each["severity"] for each in json.loads((tmp_path / "report/check.json").read_text())["findings"]}
    trifles = {"gps_position", "exif_rotated", "wrong_suffix", "odd_size", "dark", "same_scene"}
    assert {found[kind] for kind in trifles} == {"note"}


def test_names_of_any_bytes_and_bombs_are_findings(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    root, fixes = draw_scenes(tmp_path / "photos", each=3), tmp_path / "fixes.csv"
    bomb(root / "circles" / "bomb.png")
    if hasattr(os, "mkfifo"):  # not on Windows
        os.mkfifo(root / "squares" / "pipe.jpg")
    shutil.copy(root / "circles/000.jpg", root / "circles/caf\udce9.jpg")
    (root / "squares" / "\x1b[31mred.jpg").touch()  # makes a terminal write in red
    (root / "\udcec\udc95").mkdir()  # as Python spells these bytes
    shutil.copy(root / "circles/002.jpg", root / "\udcec\udc95/a.jpg")
    output = ["--output", str(tmp_path / "report"), "--fix_list", str(fixes), "--fix_list_anyway"]
    assert main(["check", str(root), *output]) == 2
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
    with pytest.warns(UserWarning, match="data.exclude"):
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
    photos = {finding["kind"]: finding["photos"] for finding in content["findings"]}
    assert photos["identical_files"] == [["circles/000.jpg", "circles/copy & paste.jpg"]]
    page = (report / "check.html").read_text(encoding="utf-8")
    assert_stands_alone(page)
    assert page.partition('<section id="identical_files">')[2].partition("</section>")[0].count("data:image/jpeg") == 2
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
    assert main(["check", str(root), "--group_pattern", r"person\d+", "--fix_list", str(fixes), "--fix_list_anyway"]) == 2
    with fixes.open() as file:
        left_out = {row["path"] for row in csv.DictReader(file)}
    assert left_out == {"left/person1_x.jpg", "left/person1_0.png", "right/person1_wrong.png"}
    with pytest.warns(UserWarning, match=r"data.exclude .* 3 of 26 photos \(12%\)"):
        run = fit(root, "--data.exclude", str(fixes))
    with (run / "split.csv").open() as file:
        assert not left_out & {row["path"] for row in csv.DictReader(file)}
    fixes.write_text("path\nleft/nobody.png\n")
    fit(root, "--data.exclude", str(fixes), code=2)
