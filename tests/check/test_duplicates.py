"""Copies across classes and splits."""

import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.helpers.check_folders import check_folder, draw_scenes, finding_of, kinds
from tests.helpers.videos import CLASSES, draw_videos


def test_one_moment_in_two_classes_is_a_question(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=4)
    for name, label in (("000", "circles"), ("002", "squares")):
        image = Image.open(root / f"circles/{name}.jpg")
        image.crop((6, 4, 154, 116)).save(root / label / f"crop_{name}.jpg", quality=92)
    finding = finding_of(check_folder(root), "same_scene")
    assert finding.values == {"clusters": 2, "photos": 4, "of_several_classes": 1}
    assert finding.photos == [["circles/002.jpg", "squares/crop_002.jpg"], ["circles/000.jpg", "circles/crop_000.jpg"]]
    assert finding.captions == ["circles and squares", "circles"]


def test_leaks_across_the_users_own_split(tmp_path: Path) -> None:
    for split, seed in (("train", 0), ("test", 1000)):
        draw_scenes(tmp_path / "split" / split, each=10, seed=seed)
    root = tmp_path / "split"
    shutil.copy(root / "train/circles/000.jpg", root / "test/circles/seen.jpg")
    Image.open(root / "train/squares/001.jpg").crop((6, 4, 154, 116)).save(root / "test/squares/crop.jpg", quality=92)
    result = check_folder(root)
    leak, moment = finding_of(result, "leaks"), finding_of(result, "scene_leaks")
    assert leak.photos == [["test/circles/seen.jpg", "train/circles/000.jpg"]]
    assert leak.values == {"test": pytest.approx(1 / 22)}
    assert leak.exclude.keys() == {"train/circles/000.jpg"}, "the test photos stay what they were"
    assert set(moment.photos[0]) == {"test/squares/crop.jpg", "train/squares/001.jpg"}
    assert moment.exclude == {}, "what only looks alike is to be looked at"
    assert kinds(result, "error") == {"leaks"}


def test_one_copy_of_a_leaked_picture_stays(tmp_path: Path) -> None:
    """The training photo is the first of its copies by name, and as a leak the one to go."""
    for split, seed in (("train", 0), ("val", 1000)):
        draw_scenes(tmp_path / "split" / split, each=4, seed=seed)
    root = tmp_path / "split"
    shutil.copy(root / "train/circles/000.jpg", root / "train/circles/twin.jpg")
    shutil.copy(root / "train/circles/000.jpg", root / "val/circles/seen.jpg")
    left_out = {path for finding in check_folder(root).findings for path in finding.exclude}
    assert left_out == {"train/circles/000.jpg", "train/circles/twin.jpg"}


def test_frames_of_a_video_leak_a_moment_and_a_saved_copy_a_picture(tmp_path: Path) -> None:
    root = draw_videos(tmp_path / "split/train", people=2, frames=30).parent
    for label in CLASSES:
        (root / "test" / label).mkdir(parents=True)
        for path in sorted((root / "train" / label).glob("*"))[::3]:
            path.rename(root / "test" / label / path.name)
    Image.open(root / "train/normal/anna_0001.jpg").save(root / "test/normal/again.jpg", quality=60)
    result = check_folder(root)
    assert finding_of(result, "leaks").photos == [["test/normal/again.jpg", "train/normal/anna_0001.jpg"]]
    assert finding_of(result, "leaks").exclude.keys() == {"train/normal/anna_0001.jpg"}
    moments = finding_of(result, "scene_leaks")
    assert sum(map(len, moments.photos)) > 50
    assert moments.exclude == {}


def test_a_placeholder_of_a_web_site_stands_high_up(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=25)
    picture = Image.new("RGB", (160, 120), (238, 238, 238))
    ImageDraw.Draw(picture).text((30, 50), "image not found", fill=(120, 120, 120))
    names = [f"{folder}/missing{n}.jpg" for folder in ("circles", "squares") for n in range(3)]
    for name in names:
        picture.save(root / name, quality=90)
    result = check_folder(root)
    assert [finding.kind for finding in result.findings][:2] == ["contradictory_labels", "placeholders"]
    assert finding_of(result, "placeholders").photos == [names]
    assert finding_of(result, "placeholders").captions == ["6 times, in circles and squares"]
    assert finding_of(result, "contradictory_labels").exclude.keys() == set(names)


def test_a_few_copies_are_no_placeholder(tmp_path: Path) -> None:
    root = draw_scenes(tmp_path / "photos", each=6)
    for n in range(3):
        shutil.copy(root / "circles/000.jpg", root / f"circles/copy{n}.jpg")
    assert "placeholders" not in kinds(check_folder(root))
