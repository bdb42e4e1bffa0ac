"""From folders to photos, labels and groups."""

import os
import shutil
import unicodedata
from pathlib import Path

import pytest

from posture_classifier.data.folder import RESERVED, read_folder
from posture_classifier.data.split import SPLITS
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder


def test_folders_files_and_names(draw_folder: DrawFolder) -> None:
    root = draw_folder(classes=("정상", "거북목"))
    (root / ".hidden").mkdir()
    (root / "정상" / "notes.txt").write_text("no photo")
    (root / "정상" / ".DS_Store.png").write_text("no photo")
    (root / "정상" / "day 2").mkdir()
    shutil.move(root / "정상" / "person0_0.png", root / "정상" / "day 2" / "PERSON0.PNG")
    os.rename(root / "거북목", root / unicodedata.normalize("NFD", "거북목"))
    photos = read_folder(root)
    assert photos.classes == ("거북목", "정상")
    assert len(photos) == 24
    assert "정상/day 2/PERSON0.PNG" in photos.paths.tolist()
    assert photos.groups.tolist() == [unicodedata.normalize("NFC", path) for path in photos.paths], "every photo its own group"
    assert all(Path(photos.file(i)).exists() for i in range(len(photos)))


def test_a_pattern_may_mark_the_group_within_its_match(draw_folder: DrawFolder) -> None:
    assert set(read_folder(draw_folder(people=2), r"person(\d+)_").groups.tolist()) == {"0", "1"}


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Train", "valid", "test"), ("train", "validation", "test")])
def test_the_users_own_split_is_kept(tmp_path: Path, draw_folder: DrawFolder, names: tuple[str, ...]) -> None:
    root = tmp_path / "own"
    for person, name in enumerate(names):
        shutil.copytree(draw_folder(f"part{person}", people=1), root / name)
    photos = read_folder(root)
    assert photos.classes == ("left", "right")
    assert [len(photos.in_split(split)) for split in SPLITS] == [4, 4, 4]


def test_classes_called_train_and_bus_are_classes(draw_folder: DrawFolder) -> None:
    assert read_folder(draw_folder(classes=("train", "bus"))).classes == ("bus", "train")


def test_split_folders_beside_others_are_refused(draw_folder: DrawFolder) -> None:
    with pytest.raises(UserError, match=r"train, val.*spare"):
        read_folder(draw_folder(classes=("train", "val", "spare")))


def test_splits_with_different_classes_are_refused(tmp_path: Path, draw_folder: DrawFolder) -> None:
    for name, classes in (("train", ("a", "b")), ("test", ("a", "c"))):
        shutil.move(draw_folder(f"x{name}", people=1, classes=classes), tmp_path / "own" / name)
    with pytest.raises(UserError, match="b, c"):
        read_folder(tmp_path / "own")


@pytest.mark.parametrize("names", [("train", "dev"), ("val", "test"), ("train",)])
def test_half_a_split_is_not_taken_for_classes(tmp_path: Path, draw_folder: DrawFolder, names: tuple[str, ...]) -> None:
    for name in names:
        shutil.move(draw_folder(f"part_{name}", people=1), tmp_path / "own" / name)
    with pytest.raises(UserError, match=", ".join(sorted(names))):
        read_folder(tmp_path / "own")


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_class_called_like_a_column_is_refused(draw_folder: DrawFolder, name: str) -> None:
    with pytest.raises(UserError, match=rf"\b{name}\b"):
        read_folder(draw_folder(classes=("left", name)))


def test_links_in_a_circle_show_no_photo_twice(draw_folder: DrawFolder) -> None:
    root = draw_folder()
    (root / "left" / "again").symlink_to(root / "left", target_is_directory=True)
    assert len(read_folder(root)) == 24
