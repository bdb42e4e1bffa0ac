"""Splits: groups stay whole, classes stay balanced, and a file brings them back."""

import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Literal
from unittest.mock import Mock

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posture_classifier.data import split as split_module
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.module import PostureData
from posture_classifier.data.split import SPLITS, add_validation, crossing_groups, split_photos
from posture_classifier.data.split_file import read_split, write_split
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, photos_of
from tests.helpers.videos import draw_videos

FRACTIONS = {"train": 0.65, "val": 0.15, "test": 0.2}


@given(
    groups=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=6), min_size=3, max_size=12),
    seed=st.integers(0, 1000),
    order=st.randoms(use_true_random=False),
)
def test_groups_never_cross_and_file_order_does_not_matter(groups: list[list[int]], seed: int, order: object) -> None:
    groups = [[*labels, 0, 1, 2] for labels in groups]  # every class in every group, so that a split is possible
    photos = photos_of(groups, 3)
    divided = split_photos(photos, FRACTIONS, seed)
    for group in set(divided.groups.tolist()):
        assert len(set(divided.splits[np.asarray(divided.groups) == group].tolist())) == 1
    for split in SPLITS:
        assert set(divided.in_split(split).labels.tolist()) == {0, 1, 2}
    shuffled = np.arange(len(photos))
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    again = split_photos(photos.select(shuffled), FRACTIONS, seed)
    assert dict(zip(again.paths.tolist(), again.splits.tolist(), strict=True)) == dict(
        zip(divided.paths.tolist(), divided.splits.tolist(), strict=True)
    )


def test_shares_and_class_balance() -> None:
    generator = np.random.default_rng(0)
    photos = photos_of([generator.choice(2, size=generator.integers(5, 15), p=[0.8, 0.2]).tolist() for _ in range(60)], 2)
    divided = split_photos(photos, FRACTIONS, seed=1)
    for split, share in FRACTIONS.items():
        part = divided.in_split(split)
        assert len(part) / len(photos) == pytest.approx(share, abs=0.02)
        assert part.labels.mean() == pytest.approx(photos.labels.mean(), abs=0.03)


def test_of_very_many_groups_one_order_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    monkeypatch.setattr(split_module, "MANY_GROUPS", 1000)
    draw = Mock(wraps=split_module._assign)
    monkeypatch.setattr(split_module, "_assign", draw)
    photos = photos_of([generator.choice(2, size=generator.integers(5, 15), p=[0.8, 0.2]).tolist() for _ in range(1000)], 2)
    divided = split_photos(photos, FRACTIONS, seed=1)
    assert draw.call_count == 1
    for split, share in FRACTIONS.items():
        part = divided.in_split(split)
        assert len(part) / len(photos) == pytest.approx(share, abs=0.001)
        assert part.labels.mean() == pytest.approx(photos.labels.mean(), abs=0.001)


def test_every_photo_its_own_group_is_split_exactly() -> None:
    divided = split_photos(photos_of([[i % 2] for i in range(200)], 2), FRACTIONS, seed=0)
    assert [len(divided.in_split(split)) for split in SPLITS] == [130, 30, 40]
    assert [int(divided.in_split(split).labels.sum()) for split in SPLITS] == [65, 15, 20]


def test_seeds_name_splits() -> None:
    photos = photos_of([[0, 1]] * 30, 2)
    splits = [split_photos(photos, FRACTIONS, seed).splits.tolist() for seed in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]


def test_a_known_split_stays_what_it_is() -> None:
    """A changed algorithm would silently move people between train and test."""
    divided = split_photos(photos_of([[0, 1]] * 10, 2), FRACTIONS, seed=0)
    assert sorted(set(divided.in_split("test").groups.tolist())) == ["g0", "g3"]


def test_a_class_with_too_few_groups_is_refused() -> None:
    with pytest.raises(UserError, match=r"class1.* 2 groups.* 3 splits"):
        split_photos(photos_of([[0, 1], [0, 1], [0], [0], [0]], 2), FRACTIONS, seed=0)


def test_four_people_are_enough() -> None:
    divided = split_photos(photos_of([[0, 1] * 5] * 4, 2), FRACTIONS, seed=0)
    assert [len(set(divided.in_split(split).groups.tolist())) for split in SPLITS] == [2, 1, 1]


@pytest.mark.parametrize(
    ("n_scenes", "expected"), [(3, "scenes"), (1, "random")], ids=["whole scenes", "too few scenes for two splits"]
)
def test_validation_out_of_a_training_folder_is_of_whole_scenes(n_scenes: int, expected: str) -> None:
    photos = photos_of([[0], [1]] * 30, 2)
    splits = np.array(["train"] * 40 + ["test"] * 20)
    photos = replace(photos, splits=splits, grouped=False, groups=photos.paths)
    scenes = photos.labels * n_scenes + photos.rows // 2 % n_scenes

    def find_scenes(train: Photos) -> npt.NDArray[np.str_]:
        return scenes[train.rows].astype(str)

    divided, drawn_by = add_validation(photos, FRACTIONS, 0, find_scenes)
    assert drawn_by == expected
    assert divided.splits[40:].tolist() == ["test"] * 20
    assert divided.groups is photos.groups, "scenes are for drawing only"
    validation = divided.splits == "val"
    assert not divided.in_split("val").empty_classes
    crossing = set(scenes[validation].tolist()) & set(scenes[divided.splits == "train"].tolist())
    assert (not crossing) == (expected == "scenes")


def test_validation_out_of_a_training_folder_is_of_whole_groups() -> None:
    photos = photos_of([[0, 1]] * 10, 2)
    photos = replace(photos, splits=np.array(["train"] * 16 + ["test"] * 4))
    divided, drawn_by = add_validation(photos, FRACTIONS, 0)
    assert drawn_by == "groups"
    assert not crossing_groups(divided)
    assert add_validation(divided, FRACTIONS, 0) == (divided, None), "there is one already"


@pytest.mark.parametrize(("group_by", "expected"), [(None, "scenes"), ("none", "random")])
def test_frames_of_a_video_do_not_choose_the_epoch_of_a_network_that_knows_the_video(
    tmp_path: Path, group_by: Literal["none"] | None, expected: str
) -> None:
    root = tmp_path / "videos"
    draw_videos(root / "train", people=4, frames=10)
    draw_videos(root / "test", people=2, frames=10, seed=1)
    data = PostureData(str(root), group_by=group_by)
    assert data.choice.validation_drawn_by == expected
    people = {split: {path.split("/")[2][:3] for path in data.photos.in_split(split).paths} for split in ("train", "val")}
    assert (not people["train"] & people["val"]) == (expected == "scenes")
    assert not data.photos.grouped, "each photo still counts as a group of its own, which the status line says"


def test_a_split_file_comes_back(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder(), r"person\d+")
    divided = split_photos(photos, FRACTIONS, seed=3)
    write_split(divided, tmp_path / "split.csv")
    again = read_split(photos, tmp_path / "split.csv")
    assert again.splits.tolist() == divided.splits.tolist()
    without_pattern = read_split(read_folder(photos.root), tmp_path / "split.csv")
    assert without_pattern.groups.tolist() == divided.groups.tolist(), "the file knows the groups"
    assert without_pattern.grouped


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("path,split", "file,part", "path and split"),
        ("test", "exam", "'exam'"),
        ("left/person0_0.png", "left/nobody.png", r"names 1 photo .*left/nobody\.png"),
    ],
)
def test_a_wrong_split_file_is_refused(tmp_path: Path, draw_folder: DrawFolder, old: str, new: str, message: str) -> None:
    photos = read_folder(draw_folder(), r"person\d+")
    path = tmp_path / "split.csv"
    write_split(split_photos(photos, FRACTIONS, seed=0), path)
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UserError, match=message):
        read_split(photos, path)


def test_a_split_that_names_photos_which_are_left_out_says_so(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder(), r"person\d+")
    split, fixes = tmp_path / "split.csv", tmp_path / "fixes.csv"
    write_split(split_photos(photos, FRACTIONS, seed=0), split)
    fixes.write_text("path\nleft/person0_0.png\n")
    with pytest.raises(UserError, match=r"data.split.* 1 photo .*data.exclude.*left/person0_0.png"):
        _ = PostureData(str(photos.root), split=str(split), exclude=str(fixes)).photos


def test_a_split_of_an_earlier_version_that_names_thumbnails_says_so(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root, split = draw_folder(), tmp_path / "split.csv"
    shutil.copytree(root / "left", root / "left" / "@eaDir")
    write_split(split_photos(read_folder(root), FRACTIONS, seed=0), split)
    honest = split.read_text()
    split.write_text(f"{honest}left/@eaDir/person0_0.png,test,left,\nleft/@eaDir/person0_1.png,train,left,\n")
    with pytest.raises(UserError, match=r"2 files .*2 in @eaDir.*left/@eaDir/person0_0\.png.*remove these lines"):
        read_split(read_folder(root), split)
    split.write_text(honest)
    assert len(read_split(read_folder(root), split)) == 24


def test_a_split_file_that_tears_a_group_apart_is_refused(tmp_path: Path, draw_folder: DrawFolder) -> None:
    photos = read_folder(draw_folder(), r"person\d+")
    lines = [f"{path},{'train' if i % 2 else 'test'}" for i, path in enumerate(photos.paths)]
    (tmp_path / "split.csv").write_text("path,split\n" + "\n".join(lines))
    with pytest.raises(UserError, match=r"6 groups .*person0"):
        read_split(photos, tmp_path / "split.csv")


def test_one_split_on_every_operating_system(tmp_path: Path) -> None:
    """macOS may write a name in another way, for the same photo."""
    splits = []
    for form in ("NFC", "NFD"):
        root = tmp_path / form
        for label in ("정상", "거북목"):
            folder = root / unicodedata.normalize(form, label)
            folder.mkdir(parents=True)
            for n in range(20):
                (folder / unicodedata.normalize(form, f"사진{n}.jpg")).touch()
        photos = split_photos(read_folder(root), FRACTIONS, seed=0)
        names = [unicodedata.normalize("NFC", path) for path in photos.paths.tolist()]
        splits.append(dict(zip(names, photos.splits.tolist(), strict=True)))
        write_split(photos, tmp_path / f"{form}.csv")
    assert splits[0] == splits[1]
    taken = read_split(read_folder(tmp_path / "NFD"), tmp_path / "NFC.csv")
    assert (
        dict(zip((unicodedata.normalize("NFC", p) for p in taken.paths.tolist()), taken.splits.tolist(), strict=True)) == splits[0]
    )


def test_a_split_file_that_puts_no_photo_into_a_split_is_refused(tmp_path: Path, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    (tmp_path / "split.csv").write_text("path,split,group\nleft/person0_0.png,,\n")
    with pytest.raises(UserError, match="train split"):
        _ = PostureData(str(root), split=str(tmp_path / "split.csv")).photos
