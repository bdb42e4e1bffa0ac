"""One rule for what is a photo, whichever command asks."""

import errno
import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posture_classifier.check.folder_layout import list_folder
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from posture_classifier.data.left_out import LeftOutCounts, count_left_out
from posture_classifier.data.photo_files import SYSTEM_FOLDERS, find_photos
from posture_classifier.predict.photo_list import PhotoList, ShardWalk
from posture_classifier.predict.shard import Shard
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments

FOLDERS = ["@eaDir", "#recycle", "@Recycle", ".@__thumb", "$RECYCLE.BIN", "__MACOSX", "lost+found", "System Volume Information"]
HIDDEN = [".ipynb_checkpoints", ".Trash-1000", ".thumbnails", ".git"]


def touch(root: Path, *paths: str) -> Path:
    """Make empty files, since names decide."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def expand(paths: list[str]) -> tuple[list[str], LeftOutCounts]:
    """The photos that ``predict`` takes, and what it leaves out."""
    walk = ShardWalk(PhotoList(paths), Shard())
    return list(walk), walk.left_out


def taken(root: Path) -> set[str]:
    """The photos that all commands take; ``predict`` knows no classes, and takes loose ones too."""
    photos, listing = read_folder(root), list_folder(root)
    assert listing.photos.paths.tolist() == photos.paths.tolist()
    assert count_left_out(listing.left_out) == photos.left_out
    predicted, left_out = expand([str(root)])
    loose = {each.path for each in listing.left_out if each.reason == "outside_classes"}
    assert {Path(path).relative_to(root).as_posix() for path in predicted} == set(photos.paths) | loose
    assert len(predicted) == len(photos) + len(loose)
    assert {key: n for key, n in left_out.items() if key[0] in ("hidden_files", "system_folders")} == {
        key: n for key, n in photos.left_out.items() if key[0] in ("hidden_files", "system_folders")
    }
    return set(photos.paths)


def test_a_folder_with_everything_in_it(tmp_path: Path) -> None:
    photos = {"left/a.jpg", "left/day 2/B.AVIF", "left/day 2/사진.heic", "right/a.JPEG", "right/b.jp2", "right/c.jpg/d.png"}
    root = touch(tmp_path / "photos", *photos, "loose.jpg", "metadata.csv", ".DS_Store")
    touch(root, "left/notes.txt", "left/film.mp4", "left/Thumbs.db", "left/.DS_Store", "left/._a.jpg", "right/raw.NEF")
    for folder in (*FOLDERS, *HIDDEN):
        touch(root, f"{folder}/a.jpg", f"left/{folder}/a.jpg/SYNOPHOTO_THUMB_M.jpg", f"left/day 2/{folder.upper()}/left/a.PNG")
    session = touch(tmp_path / "elsewhere" / ".cache", "x.jpg", "deeper/y.tga").resolve()
    (root / "right" / "session").symlink_to(session)
    (session / "up").symlink_to(session.parent)
    (root / "left" / "again").symlink_to(root / "left")
    (root / "left" / "all").symlink_to(root)
    (root / "left" / ".disk").symlink_to(tmp_path)
    (root / "right" / "alias.png").symlink_to(root / "right" / "b.jp2")
    assert taken(root) == photos | {"right/session/x.jpg", "right/session/deeper/y.tga", "right/alias.png"}
    counts = read_folder(root).left_out
    assert {name: n for (reason, name), n in counts.items() if reason == "other_files"} == {
        ".txt": 1,
        ".mp4": 1,
        ".db": 1,
        ".nef": 1,
    }
    assert counts["outside_classes", ""] == counts["hidden_files", ""] == 1
    assert counts["linked_again", ""] == 3
    assert all(counts["system_folders", name] >= 2 for name in FOLDERS if name != ".@__thumb")
    assert counts["hidden_files", ".disk"] == 0, "what a hidden link leads to may be a whole disk"
    assert all(counts["hidden_files", name] >= 2 for name in [*HIDDEN, ".@__thumb"])


@pytest.mark.parametrize("seed", range(20))
def test_all_commands_take_the_same_of_any_folder(tmp_path: Path, seed: int) -> None:
    """Links between classes and in circles included: each real photo is at most once in a class."""
    draw, root = random.Random(seed), tmp_path / "photos"
    touch(tmp_path, "photos/left/a.jpg", "photos/right/a.jpg", "elsewhere/a.jpg")
    places = [root / "left", root / "right", tmp_path / "elsewhere"]
    for number in range(80):
        place, kind = draw.choice(places), draw.choice(["file", "file", "folder", "link"])
        if kind == "folder":
            places.append(place / draw.choice([*FOLDERS, *HIDDEN, f"day {number}", f"{number}.jpg"]))
            places[-1].mkdir(exist_ok=True)
        elif kind == "link":
            (place / f"link {number}").symlink_to(draw.choice([root, *places]))
        else:
            touch(place, f"{draw.choice(['', '', '._'])}{number}{draw.choice(['.jpg', '.JPG', '.avif', '.txt', ''])}")
    photos, listing = read_folder(root), list_folder(root)
    assert listing.photos.paths.tolist() == photos.paths.tolist()
    assert count_left_out(listing.left_out) == photos.left_out
    of_classes = [real_files(root / photos.paths[n] for n in np.flatnonzero(photos.labels == label)) for label in (0, 1)]
    predicted = real_files(map(Path, expand([str(root)])[0]))
    assert set(predicted) == set(of_classes[0]) | set(of_classes[1])
    for once in (predicted, *of_classes):
        assert set(Counter(once).values()) == {1}


def real_files(paths: Iterable[Path]) -> list[str]:
    """Paths without links to folders."""
    return [os.path.join(os.path.realpath(path.parent), path.name) for path in paths]


@pytest.mark.parametrize("folder", sorted(SYSTEM_FOLDERS))
def test_folders_of_systems_hold_no_photos_and_are_no_classes(tmp_path: Path, folder: str) -> None:
    root = touch(tmp_path / "photos", "left/a.jpg", "right/a.jpg", f"{folder}/b.jpg", f"left/{folder.upper()}/c.jpg")
    assert taken(root) == {"left/a.jpg", "right/a.jpg"}
    assert read_folder(root).left_out == {("system_folders", folder): 1, ("system_folders", folder.upper()): 1}


def test_within_a_split_of_ones_own(tmp_path: Path) -> None:
    photos = {f"{split}/{label}/a.jpg" for split in ("train", "test") for label in ("left", "right")}
    root = touch(tmp_path / "photos", *photos, "train/@eaDir/x.jpg", "lost+found/y.jpg", "train/loose.jpg", "loose.png")
    assert taken(root) == photos
    assert read_folder(root).left_out == {
        ("system_folders", "@eaDir"): 1,
        ("system_folders", "lost+found"): 1,
        ("outside_classes", ""): 2,
    }


def test_a_link_renames_no_photo_and_shows_none_twice(tmp_path: Path) -> None:
    root = touch(tmp_path / "photos", "left/session/a.jpg", "right/a.jpg")
    (root / "left" / "a link").symlink_to(root / "left" / "session")
    (root / "left" / "z link").symlink_to(root / "left" / "session")
    assert taken(root) == {"left/session/a.jpg", "right/a.jpg"}
    assert read_folder(root).left_out == {("linked_again", ""): 2}


def test_a_class_that_links_to_the_whole_folder_has_no_photos(tmp_path: Path) -> None:
    root = touch(tmp_path / "photos", "left/a.jpg", "right/a.jpg")
    (root / "all").symlink_to(root)
    with pytest.raises(UserError, match="all has no photos"):
        read_folder(root)


def test_what_is_in_a_class_without_photos_is_told(tmp_path: Path) -> None:
    root = touch(tmp_path / "photos", "left/a.jxl", "left/@eaDir/b.jpg", "right/a.jpg")
    with pytest.raises(UserError, match=r"left has no photos .*1 \.jxl.*1 in @eaDir"):
        read_folder(root)


def test_closed_folders_are_refused_unless_they_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions do not stop root, so the system's answer is made."""
    root = touch(tmp_path / "photos", "left/day/a.jpg", "right/a.jpg", "lost+found/x")
    scandir, closed = os.scandir, [root / "lost+found"]

    def refusing(path: Any) -> Any:
        if Path(path) in closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert taken(root) == {"left/day/a.jpg", "right/a.jpg"}
    closed.append(root / "left" / "day")
    for command in (read_folder, lambda root: expand([str(root)])):
        with pytest.raises(UserError, match=r"left/day .*Permission denied"):
            command(root)


def test_what_is_named_is_taken_whatever_its_name(tmp_path: Path) -> None:
    paths = [".photos/a.jpg", ".photos/@eaDir/b.jpg", "@eaDir/c.jpg", ".d.jpg", "e.raw"]
    root = touch(tmp_path, *paths)
    assert find_photos(root).photos == []
    assert find_photos(root / ".photos").photos == ["a.jpg"]
    photos, left_out = expand([str(root / path) for path in (".photos", "@eaDir/c.jpg", ".d.jpg", "e.raw")])
    assert photos == [str(root / path) for path in (".photos/a.jpg", "@eaDir/c.jpg", ".d.jpg", "e.raw")]
    assert left_out == {("system_folders", "@eaDir"): 1}
    assert expand([str(root), str(root / ".d.jpg"), str(root / ".photos")])[1] == {
        ("other_files", ".raw"): 1,
        ("system_folders", "@eaDir"): 2,
    }


def test_patterns_match_no_thumbnails_and_go_round_no_circle(tmp_path: Path) -> None:
    root = touch(tmp_path, "left/a.jpg", "left/@eaDir/a.jpg/b.jpg", "left/c.dat", "left/.d.jpg")
    (root / "left" / "again").symlink_to(root / "left")
    photos, left_out = expand([str(root / "**" / "*.jpg")])
    assert photos == [str(root / "left/a.jpg")]
    assert set(left_out) == {("system_folders", "@eaDir")}
    assert expand([str(root / "left/@eaDir/*/*.jpg")])[0] == [str(root / "left/@eaDir/a.jpg/b.jpg")]
    assert expand([str(root / "left/.*.jpg")]) == ([str(root / "left/.d.jpg")], {}), "the pattern names the dot"
    assert expand([str(root / "left" / "*.dat")])[0] == [str(root / "left/c.dat")], "the pattern names the suffix"


def test_no_photo_at_all_is_one_sentence_that_says_what_there_is(tmp_path: Path) -> None:
    root = touch(tmp_path, "a.nef", "@eaDir/b.jpg")
    for paths in ([str(root)], [str(root / "@eaDi*" / "*.jpg")]):
        with pytest.raises(UserError, match=r"no photos in .*@eaDir.*AVIF"):
            expand(paths)


def test_fit_says_what_it_leaves_out(draw_folder: DrawFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = touch(draw_folder(), "left/a.mp4", "left/b.txt", "left/c.txt", "loose.jpg")
    shutil.copytree(root / "right", root / "right" / "@eaDir")
    (tmp_path / "fixes.csv").write_text("path\nleft/person0_0.png\nright/@eaDir/person0_0.png\n")
    assert main([*fit_arguments(root, tmp_path, 1), "--data.exclude", str(tmp_path / "fixes.csv")]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "23 photos" in printed
    assert "3 files of other kinds (2 .txt, 1 .mp4), 1 loose beside the class folders, 12 in @eaDir, 1 by data.exclude" in printed
