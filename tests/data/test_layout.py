from collections.abc import Callable
from pathlib import Path

import pytest

from posture_classifier.check.run_checks import run_checks
from posture_classifier.data.folder import detect_layout
from posture_classifier.data.layout import Layout
from posture_classifier.data.module import PostureData
from posture_classifier.data.split_file import write_split
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import draw

PEOPLE, CLASSES = ("anna", "ben", "chloe", "dan"), ("normal", "turtle")


def make(root: Path, pattern: str, people: tuple[str, ...] = PEOPLE, split: dict[str, str] | None = None) -> Path:
    """Draw three photos of each person and class in the folders that a pattern names."""
    for number, person in enumerate(people):
        for label, name in enumerate(CLASSES):
            folder = root / (split or {}).get(person, "") / pattern.format(person=person, name=name)
            folder.mkdir(parents=True, exist_ok=True)
            for n in range(3):
                draw(label, 100 * number + 10 * n + label).save(folder / f"{person}{n}.png")
    return root


def numbered(root: Path, pattern: str) -> Path:
    return make(root, pattern, tuple(f"person{n}" for n in range(4)))


@pytest.mark.parametrize(("pattern", "layout"), [("{person}/{name}", "group/class"), ("{name}/{person}", "class/group")])
def test_people_and_classes_are_what_the_layout_says(tmp_path: Path, pattern: str, layout: Layout) -> None:
    data = PostureData(str(make(tmp_path, pattern)), layout=layout)
    assert data.class_names == ["normal", "turtle"]
    assert set(data.photos.groups.tolist()) == set(PEOPLE)
    assert data.photos.grouped
    for path, label, group in zip(data.photos.paths, data.photos.labels, data.photos.groups, strict=True):
        assert group in path
        assert CLASSES[label] in path


@pytest.mark.parametrize("pattern", ["{person}/{name}", "{name}/{person}"])
def test_either_may_be_the_classes(tmp_path: Path, pattern: str) -> None:
    root = make(tmp_path, pattern)
    with pytest.raises(UserError, match=r"data\.layout") as error:
        _ = PostureData(str(root)).photos
    assert "normal, turtle" in str(error.value)
    found = {finding.kind: finding for finding in run_checks(root, None, lambda done, n: None).findings}
    assert str(error.value) in found["folder_layout"].text


@pytest.mark.parametrize("layout", ["group/class", "class/group", "class"])
def test_every_answer_that_is_named_is_taken(tmp_path: Path, layout: Layout) -> None:
    root = make(tmp_path, "{person}/{name}" if layout == "group/class" else "{name}/{person}")
    assert PostureData(str(root), layout=layout).class_names == ["normal", "turtle"]
    kinds = {finding.kind for finding in run_checks(root, None, lambda done, n: None, layout).findings}
    assert "folder_layout" not in kinds


def test_a_pattern_tells_that_the_inner_folders_are_people(tmp_path: Path) -> None:
    data = PostureData(str(make(tmp_path, "{name}/{person}")), group_pattern="anna|ben|chloe|dan")
    assert data.class_names == ["normal", "turtle"]


def test_a_pattern_cannot_make_people_classes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="class anna occurs in 1 group"):
        _ = PostureData(str(make(tmp_path, "{person}/{name}")), group_pattern="anna|ben|chloe|dan").photos


@pytest.mark.parametrize(("pattern", "layout"), [("{person}/{name}", "group/class"), ("{name}/{person}", "class/group")])
def test_numbered_people_are_certain(tmp_path: Path, pattern: str, layout: Layout) -> None:
    data = PostureData(str(numbered(tmp_path, pattern)))
    assert data.photos.layout == layout
    assert data.class_names == ["normal", "turtle"]
    assert sorted(set(data.photos.groups.tolist())) == [f"person{n}" for n in range(4)]


def test_photos_can_stand_alone_all_the_same(tmp_path: Path) -> None:
    data = PostureData(str(numbered(tmp_path, "{person}/{name}")), group_by="none")
    assert not data.photos.grouped
    assert len(set(data.photos.groups.tolist())) == len(data.photos) == 24


def test_the_users_own_split_of_people(tmp_path: Path) -> None:
    split = {"anna": "train", "ben": "train", "chloe": "val", "dan": "test"}
    data = PostureData(str(make(tmp_path, "{person}/{name}", split=split)), layout="group/class")
    assert dict(zip(data.photos.groups, data.photos.splits.tolist(), strict=True)) == split


def test_a_person_without_a_class(tmp_path: Path) -> None:
    root = make(tmp_path, "{person}/{name}")
    for photo in (root / "dan" / "turtle").iterdir():
        photo.unlink()
    (root / "dan" / "turtle").rmdir()
    with pytest.raises(UserError, match=r"data\.layout"):
        detect_layout(root)
    assert len(PostureData(str(root), layout="group/class").photos) == 21


def photo_beside_the_folders(root: Path) -> None:
    for folder in root.iterdir():
        draw(0, 1).save(folder / "loose.png")


def folders_of_days(root: Path) -> None:
    for number, folder in enumerate(root.glob("*/*")):
        folder.rename(folder.with_name(f"2026-11-{number + 10}"))


@pytest.mark.parametrize("change", [photo_beside_the_folders, folders_of_days])
def test_folders_of_classes_as_ever(tmp_path: Path, change: Callable[[Path], None]) -> None:
    change(make(tmp_path, "{name}/{person}"))
    assert detect_layout(tmp_path) == "class"


def test_a_photo_in_no_folder_of_a_group(tmp_path: Path) -> None:
    root = make(tmp_path, "{name}/{person}")
    draw(0, 1).save(root / "normal" / "loose.png")
    with pytest.raises(UserError, match=r"1 photo lies in no folder of a group: normal/loose\.png"):
        _ = PostureData(str(root), layout="class/group").photos
    found = run_checks(root, None, lambda done, n: None, "class/group").findings
    assert "normal/loose.png" in next(finding.text for finding in found if finding.kind == "folder_layout")


def test_a_split_of_before_is_read_as_it_was(tmp_path: Path) -> None:
    root = make(tmp_path / "photos", "{name}/{person}")
    write_split(PostureData(str(root), layout="class").photos, tmp_path / "split.csv")
    assert PostureData(str(root), split=str(tmp_path / "split.csv")).class_names == ["normal", "turtle"]
