"""``check`` finds every planted fault, invents none, and survives what ``fit`` refuses."""

import csv
import errno
import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from posture_classifier.check.duplicates import KINDS
from posture_classifier.check.finding import Finding
from posture_classifier.check.folder_layout import list_folder
from posture_classifier.check.run_checks import Result, run_checks
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.module import PostureData
from posture_classifier.data.scan.features import FeatureExtractor
from posture_classifier.data.scan.scene_groups import scene_groups
from tests.helpers.check_folders import CLASSES, Expected, draw_bursts, draw_people, draw_scenes, plant, scene
from tests.helpers.pages import assert_stands_alone
from tests.helpers.photos import DrawFolder, bomb
from tests.helpers.program import Fit

ALLOWED = {"outliers", "groups"}
"""Notes that planted faults give rise to: a photo of another size may well be unlike the others."""
Planted = tuple[Path, Expected, Result]


def ignore(done: int, n: int) -> None:
    """Nobody looks at the progress."""


def look(root: Path, pattern: str | None = None) -> Result:
    return run_checks(root, pattern, ignore)


def kinds(result: Result, *severities: str) -> set[str]:
    return {finding.kind for finding in result.findings if finding.severity in (severities or ("error", "warning", "note"))}


def named(result: Result, kind: str) -> Finding:
    return next(finding for finding in result.findings if finding.kind == kind)


def test_a_clean_folder_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(draw_scenes(tmp_path / "clean", each=25))]) == 0
    assert "fine: 0 errors, 0 warnings" in capsys.readouterr().out


@pytest.fixture(autouse=True)
def one_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders of the same drawn photos need to be looked at once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "check_cache"))


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    """A folder with every fault, what must be found in it, and what is."""
    root = draw_scenes(tmp_path_factory.mktemp("check") / "planted")
    expected = plant(root)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    result = look(root)
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before, "no photo is changed"
    return root, expected, result


def test_every_planted_fault_is_found_and_none_invented(planted: Planted) -> None:
    _, expected, result = planted
    found = {finding.kind: {path for cluster in finding.photos for path in cluster} for finding in result.findings}
    for kind, wanted in expected.items():
        right = len(wanted & found.get(kind, set()))
        print(f"{kind}: precision {right}/{len(found.get(kind, set()))}, recall {right}/{len(wanted)}")
    assert {kind: paths for kind, paths in found.items() if kind not in ALLOWED} == expected


def test_what_belongs_together_is_one_group_of_cluster(planted: Planted) -> None:
    """Whatever copies ``check`` reports, ``data.group_by cluster`` keeps each cluster of them on one side."""
    _, _, result = planted
    photos = result.photos.select(np.flatnonzero(~np.isin(result.photos.paths, list(named(result, "unreadable").exclude))))
    group = dict(zip(photos.paths.tolist(), scene_groups(photos, ignore).tolist(), strict=True))
    clusters = [cluster for kind in KINDS for cluster in named(result, kind).photos]
    assert len(clusters) == 8
    assert all(len({group[path] for path in cluster}) == 1 for cluster in clusters)


def test_groups_are_proposed_and_near_duplicates_in_a_group_are_no_fault(tmp_path: Path) -> None:
    root = draw_people(tmp_path / "people")
    alone = look(root)
    assert {"groups", "same_scene"} <= kinds(alone, "warning")
    assert named(alone, "groups").values["proposal"] == r"--group_pattern 'subject-\d+'"
    assert named(alone, "groups").values["nearest_in_group"] > 0.9
    together = look(root, r"subject-\d+")
    assert not kinds(together, "warning", "error")


def test_bursts_are_known_before_a_random_split_flatters(tmp_path: Path) -> None:
    finding = named(look(draw_bursts(tmp_path / "bursts")), "groups")
    assert finding.severity == "warning"
    assert finding.values["proposal"] == "data.group_by cluster"
    assert finding.values["accuracy_random"] > 0.95
    assert finding.values["accuracy_honest"] < 0.7, "of two classes by lot"


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("s{0}_f{1:05}.jpg", r"--group_pattern '(?<![A-Za-z0-9])[psvPSV]\d+(?=[-_])'"),
        ("IMG_202108{0:02}_1715{1:02}.jpg", r"--group_pattern '(?<!\d)20\d\d[-_]?[01]\d[-_]?[0-3]\d(?!\d)'"),
        ("kim{0}/{1}.jpg", "--group_pattern '([^/]+)/[^/]+$'"),
        ("user{0}-{1}.jpg", r"--group_pattern 'user\d+'"),
    ],
)
def test_names_that_cameras_and_people_give(tmp_path: Path, name: str, proposal: str) -> None:
    root = draw_people(tmp_path / "people", people=6, each=2)
    for path in list(root.rglob("*.jpg")):
        person, n = re.findall(r"\d+", path.stem)
        new = path.parent / name.format(int(person) + 10, int(n))
        new.parent.mkdir(exist_ok=True)
        path.rename(new)
    assert named(look(root), "groups").values["proposal"] == proposal


def test_sessions_are_proposed_from_camera_and_time(tmp_path: Path) -> None:
    root = draw_people(tmp_path / "people", people=6, each=2)
    for n, path in enumerate(sorted(root.rglob("*.jpg"))):
        person = int(path.stem[8:10])
        exif = Image.Exif()
        exif[0x0110] = "Phone"
        exif[0x0132] = f"2024:05:01 {8 + person:02}:00:{n:02}"
        image = Image.open(path).copy()
        path.unlink()
        image.save(path.with_name(f"{n:03}.jpg"), exif=exif, quality=92)
    finding = named(look(root), "groups")
    assert (finding.values["proposal"], finding.values["groups"]) == ("data.group_by exif", 6)


def test_one_moment_in_two_classes_is_a_question(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=4)
    for name, label in (("000", "circles"), ("002", "squares")):
        image = Image.open(root / f"circles/{name}.jpg")
        image.crop((6, 4, 154, 116)).save(root / label / f"crop_{name}.jpg", quality=92)
    finding = named(look(root), "same_scene")
    assert "1 cluster has photos of more than one class" in finding.text
    assert finding.photos == [["circles/002.jpg", "squares/crop_002.jpg"], ["circles/000.jpg", "circles/crop_000.jpg"]]
    assert finding.captions == ["circles and squares", "circles"]


def test_leaks_across_the_users_own_split(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 1000)):
        draw_scenes(tmp_path / "split" / split, each=10, seed=seed)
    root = tmp_path / "split"
    shutil.copy(root / "train/circles/000.jpg", root / "test/circles/seen.jpg")
    Image.open(root / "train/squares/001.jpg").crop((6, 4, 154, 116)).save(root / "test/squares/crop.jpg", quality=92)
    result = look(root)
    leak, moment = named(result, "leaks"), named(result, "scene_leaks")
    assert leak.photos == [["test/circles/seen.jpg", "train/circles/000.jpg"]]
    assert leak.values == {"test": pytest.approx(1 / 22)}
    assert leak.exclude.keys() == {"train/circles/000.jpg"}, "the test photos stay what they were"
    assert set(moment.photos[0]) == {"test/squares/crop.jpg", "train/squares/001.jpg"}
    assert kinds(result, "error") == {"leaks"}


def test_one_copy_of_a_leaked_picture_stays(tmp_path: Path) -> None:
    """In alphabetical order the training photo is the first of its copies, and as a leak it is the one to go."""
    for split, seed in (("train", 0), ("val", 1000)):
        draw_scenes(tmp_path / "split" / split, each=4, seed=seed)
    root = tmp_path / "split"
    shutil.copy(root / "train/circles/000.jpg", root / "train/circles/twin.jpg")
    shutil.copy(root / "train/circles/000.jpg", root / "val/circles/seen.jpg")
    left_out = {path for finding in look(root).findings for path in finding.exclude}
    assert left_out == {"train/circles/000.jpg", "train/circles/twin.jpg"}


def test_a_group_on_two_sides_of_the_users_split(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 1000)):
        draw_scenes(tmp_path / "split" / split, each=4, seed=seed)
    (tmp_path / "split/train/circles/000.jpg").rename(tmp_path / "split/train/circles/100.jpg")
    finding = named(look(tmp_path / "split", r"\d+"), "group_leaks")
    assert (finding.severity, finding.captions) == ("error", [f"{n:03}" for n in range(1, 8)])


def quality(path: Path) -> None:
    Image.open(path).save(path, quality=50)


def dark_edges(path: Path) -> None:
    image = Image.open(path)
    image.paste((0, 0, 0), (0, 0, image.width, 30))
    image.save(path, quality=92)


def one_day(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0132] = f"2024:05:01 10:{int(path.stem) % 60:02}:00"
    Image.open(path).save(path, quality=92, exif=exif)


@pytest.mark.parametrize(
    ("change", "kind", "used"),
    [
        (quality, "file_property_shortcut", "JPEG quality"),
        (one_day, "file_property_shortcut", "date"),
        (dark_edges, "light_shortcut", "of the corners"),
    ],
)
def test_a_class_taken_in_another_way(tmp_path: Path, change: Callable[[Path], None], kind: str, used: str) -> None:
    root = draw_scenes(tmp_path / "photos", each=25)
    for path in (root / "squares").glob("*.jpg"):
        change(path)
    finding = named(look(root), kind)
    assert finding.severity == "warning"
    assert used in finding.text


def test_four_people_are_enough_to_see_a_shortcut(tmp_path: Path) -> None:
    root, pattern = draw_people(tmp_path / "people", people=4), r"subject-\d+"
    clean = look(root, pattern)
    assert kinds(clean, "warning", "error") == {"small_classes"}
    assert named(clean, "small_classes").text.startswith("Hardly enough groups"), "fit takes them"
    assert "Probable label errors were not looked for: that takes 10 groups of every class" in named(clean, "unchecked").text
    for path in (root / "squares").glob("*.jpg"):
        quality(path)
    assert "JPEG quality 100%" in named(look(root, pattern), "file_property_shortcut").text


def test_imbalance(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=22)
    for path in sorted((root / "squares").glob("*.jpg"))[2:]:
        path.unlink()
    result = look(root)
    assert {"class_imbalance"} <= kinds(result, "warning")
    assert {"small_classes"} <= kinds(result, "error"), "two photos cannot be on three sides"


def test_broken_folders_are_findings(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    (root / "empty").mkdir()
    (root / "circles" / "folder.jpg").mkdir()
    assert named(look(root, "(circles"), "folder_layout").values == {"empty_classes": ["empty"]}
    assert "group_pattern" in kinds(look(root, "(circles"), "error")
    assert named(look(root, "nobody"), "group_pattern").severity == "error"
    shutil.rmtree(root / "squares")
    shutil.rmtree(root / "empty")
    assert "one class only" in named(look(root), "folder_layout").text
    for path in (root / "circles").glob("*.jpg"):
        path.rmdir() if path.is_dir() else path.write_bytes(b"")
    assert {"folder_layout", "unreadable"} <= kinds(look(root), "error")
    shutil.rmtree(root / "circles")
    assert main(["check", str(root)]) == 2, "an empty folder"


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
    assert "more than 179 million pixels" in unreadable["captions"][0]
    assert "its name is not valid UTF-8; rename it" in unreadable["captions"][1]
    page, printed = (tmp_path / "report/check.html").read_text(encoding="utf-8"), capsysbinary.readouterr().out
    assert "caf\ufffd.jpg" in page
    assert "circles/caf\ufffd.jpg, squares/\ufffd[31mred.jpg".encode() in printed
    assert "\x1b" not in page
    assert b"\x1b" not in printed
    assert b"circles/caf\xe9.jpg,unreadable" in fixes.read_bytes()
    shutil.rmtree(root / "\udcec\udc95")
    fixes.write_bytes(b"".join(line for line in fixes.read_bytes().splitlines(True) if b"/a.jpg" not in line))
    assert len(PostureData(str(root), exclude=str(fixes)).photos) == 6


@pytest.mark.parametrize("split", ["", "train/"])
def test_folders_that_are_links_are_looked_into_as_by_fit(tmp_path: Path, split: str) -> None:
    real, root = draw_scenes(tmp_path / "elsewhere", each=3), tmp_path / "linked"
    (root / split).mkdir(parents=True)
    for name in CLASSES:
        (root / split / name).symlink_to(real / name)
    if split:
        (root / "test").symlink_to(draw_scenes(tmp_path / "more", each=3, seed=1000))
    (real / CLASSES[0] / "up").symlink_to(real)
    listed, taken = list_folder(root).photos, read_folder(root)
    assert listed.paths.tolist() == taken.paths.tolist()
    assert len(taken) == (12 if split else 6)
    assert listed.splits.tolist() == taken.splits.tolist()


def test_a_link_to_itself_is_no_class(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=3)
    (root / "circle").symlink_to(root / "circle")
    assert len(read_folder(root)) == len(list_folder(root).photos) == 6


def test_a_closed_folder_is_an_error_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not stop root, so the system's answer is made."""
    root = draw_scenes(tmp_path / "photos", each=3)
    closed = root / "circles" / "anna"
    closed.mkdir()
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if Path(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    result = look(root)
    assert f"{closed} cannot be opened (Permission denied)" in named(result, "folder_layout").text
    assert len(result.photos) == 6


def test_damage_behind_the_first_picture_is_no_crash(tmp_path: Path) -> None:
    """Of an animation only the first picture is used, so the file can be read; counting the others meets the damage."""
    root = draw_scenes(tmp_path / "photos", each=3)
    path = root / "circles" / "moving.gif"
    scene(0, 1).save(path)
    # In place of the end of the file the head of a second picture, which is not there.
    path.write_bytes(path.read_bytes()[:-1] + b"," + struct.pack("<4HB", 0, 0, 160, 120, 0))
    with Image.open(path) as image, pytest.raises(IndexError):
        _ = image.n_frames  # type: ignore[attr-defined]
    assert "unreadable" not in kinds(look(root))


def test_a_second_look_computes_only_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    computed: list[int] = []
    extract = FeatureExtractor.extract

    def counted(self: FeatureExtractor, squares: list[Any]) -> Any:
        computed.append(len(squares))
        return extract(self, squares)

    monkeypatch.setattr(FeatureExtractor, "extract", counted)
    root = draw_scenes(tmp_path / "photos", each=4)
    first = look(root)
    (root / "circles/000.jpg").rename(root / "circles/renamed.jpg")
    scene(0, 99).save(root / "circles" / "new.jpg")
    look(root)
    (root / "circles" / "new.jpg").unlink()
    (root / "circles/renamed.jpg").rename(root / "circles/000.jpg")
    assert look(root).findings == first.findings
    assert computed == [8, 1], "a photo is known by its content"
    (cache,) = (tmp_path / "posture_classifier").iterdir()
    cache.write_text("damaged")
    assert look(root).findings == first.findings
    cache.unlink()
    cache.mkdir()
    assert look(root).findings == first.findings, "where nothing can be kept it is computed"


def test_what_takes_more_photos_is_said_to_be_left_out(tmp_path: Path) -> None:
    finding = named(look(draw_scenes(tmp_path / "photos", each=4)), "unchecked")
    assert finding.severity == "note"
    assert "were not looked for: that takes 10 groups of every class" in finding.text
    assert "circles has 4" in finding.text


def test_a_missing_folder_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / "nowhere")]) == 2
    assert "nowhere is not a folder; expected" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--output", "{photos}/report"], "would lie in {photos}, where fit takes folders for classes"),
        (["--fix_list", "{folder}/fixes.txt"], "must end in .csv\n"),
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
    assert "exists; choose another name, or add --overwrite" in capsys.readouterr().err
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


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("path\nleft/nobody.png\n", "names 1 photo that is not below"),
        ("name\nleft/person1_0.png\n", "needs the column path"),
        ("path\n" + "".join(f"left/person{p}_{n}.png\n" for p in range(6) for n in range(2)), "leaves no photo of class left"),
        (None, "cannot be read"),
    ],
)
def test_a_wrong_list_is_one_sentence(
    tmp_path: Path, fit: Fit, draw_folder: DrawFolder, capsys: pytest.CaptureFixture[str], content: str | None, expected: str
) -> None:
    if content is not None:
        (tmp_path / "fixes.csv").write_text(content)
    fit(draw_folder(), "--data.exclude", str(tmp_path / "fixes.csv"), code=2)
    assert expected in capsys.readouterr().err


def test_fit_says_in_one_line_what_costs_nothing_to_find(fit: Fit, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    shutil.copy(root / "left/person1_0.png", root / "right/person1_wrong.png")
    with pytest.warns(UserWarning, match=r"1 file is a copy of another; 1 photo is in more than one class"):
        fit(root)
