"""Folds and held-out groups: no group on two sides, whatever the folder."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from posture_classifier.cli.program import main
from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.folds import fold_split, folds_work, holdout_split
from posture_classifier.data.module import PostureData
from posture_classifier.data.sessions import GAP, session_groups
from posture_classifier.data.split import check_classes, split_photos
from posture_classifier.data.split_file import read_split
from posture_classifier.utils.errors import UserError
from tests.helpers.photos import DrawFolder, draw, photos_of
from tests.helpers.program import Fit, fit_arguments

Divide = Callable[[Photos, int], Photos]
DIVISIONS: dict[str, Divide] = {
    "split": lambda photos, seed: split_photos(photos, {"train": 0.65, "val": 0.15, "test": 0.2}, seed),
    "first of 2 folds": lambda photos, seed: fold_split(photos, 2, 0, 0.2, seed),
    "last of 5 folds": lambda photos, seed: fold_split(photos, 5, 4, 0.2, seed),
    "held out": lambda photos, seed: holdout_split(photos, ["g0", "g1"], 0.2, seed),
}
GROUPS = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8), min_size=2, max_size=20)
"""Labels of the photos of each group: any sizes, any mixture of three classes."""


def divided(division: Divide, photos: Photos, seed: int) -> Photos:
    """Only folders that can be divided matter here."""
    try:
        return division(photos, seed)
    except UserError:
        assume(False)
        raise


def splits_by_path(photos: Photos) -> dict[str, str]:
    return dict(zip(photos.paths.tolist(), photos.splits.tolist(), strict=True))


@pytest.mark.parametrize("division", DIVISIONS.values(), ids=DIVISIONS)
@settings(deadline=None, max_examples=30)
@given(groups=GROUPS, seed=st.integers(0, 2**32 - 1), order=st.randoms(use_true_random=False))
def test_no_group_crosses_and_file_order_does_not_matter(division: Divide, groups: list[list[int]], seed: int, order: Any) -> None:
    photos = photos_of(groups, 3)
    result = divided(division, photos, seed)
    assert len(set(zip(result.groups.tolist(), result.splits.tolist(), strict=True))) == len(groups)
    assert set(result.splits.tolist()) == {"train", "val", "test"}
    shuffled = np.arange(len(photos))
    order.shuffle(shuffled)
    assert splits_by_path(division(photos.select(shuffled), seed)) == splits_by_path(result)


@settings(deadline=None, max_examples=30)
@given(groups=GROUPS, folds=st.integers(2, 8), seed=st.integers(0, 2**32 - 1))
def test_folds_test_every_photo_once(groups: list[list[int]], folds: int, seed: int) -> None:
    photos = photos_of(groups, 3)
    parts = [divided(lambda p, s, i=i: fold_split(p, folds, i, 0.2, s), photos, seed).in_split("test") for i in range(folds)]  # type: ignore[misc]
    assert sorted(path for part in parts for path in part.paths.tolist()) == sorted(photos.paths.tolist())
    assert all(len(part) for part in parts)


def test_folds_are_balanced() -> None:
    generator = np.random.default_rng(0)
    photos = photos_of([generator.choice(2, size=generator.integers(5, 15), p=[0.8, 0.2]).tolist() for _ in range(60)], 2)
    for fold in range(5):
        tested = fold_split(photos, 5, fold, 0.2, seed=1).in_split("test")
        assert len(tested) / len(photos) == pytest.approx(0.2, abs=0.02)
        assert tested.labels.mean() == pytest.approx(photos.labels.mean(), abs=0.03)


def test_a_known_fold_stays_what_it_is() -> None:
    """A changed algorithm would mix the folds of a cross-validation that was begun before it."""
    photos = photos_of([[0, 1]] * 10, 2)
    assert sorted(set(fold_split(photos, 5, 0, 0.2, seed=0).in_split("test").groups.tolist())) == ["g3", "g9"]


@pytest.mark.parametrize(
    ("groups", "folds", "message"),
    [
        ([[0, 1]] * 4, 5, "4 groups.*data.folds 5.*data.folds 4 works"),
        ([[0, 1]] * 2, 2, "class0.* 2 groups.*data.folds 2.*no other number works"),
        ([[0], [0], [0], [0, 1], [1]], 3, "class1.* 2 groups.*data.folds 3.*no other number works"),
    ],
)
def test_too_few_groups_for_folds_are_refused(groups: list[list[int]], folds: int, message: str) -> None:
    with pytest.raises(UserError, match=message):
        fold_split(photos_of(groups, 2), folds, 0, 0.2, seed=0)


def _split_every_fold(photos: Photos, folds: int) -> None:
    for fold in range(folds):
        check_classes(fold_split(photos, folds, fold, 0.15, seed=0))


def test_more_folds_may_work_than_fewer() -> None:
    photos = photos_of([[0, 1]] * 3, 2)
    with pytest.raises(UserError, match=r"class0 occurs in 3 groups.*data.folds 2 .*data.folds 3 works"):
        fold_split(photos, 2, 0, 0.15, seed=0)
    _split_every_fold(photos, 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:the test split")
@settings(deadline=None, max_examples=20)
@given(groups=GROUPS, folds=st.integers(2, 8))
def test_the_number_of_folds_that_a_refusal_names_works(groups: list[list[int]], folds: int) -> None:
    photos = photos_of(groups, 3)
    assume(not photos.empty_classes)
    works = [n for n in range(2, 9) if folds_work(photos, n, 0.15, seed=0)]
    if folds in works:
        _split_every_fold(photos, folds)
        return
    with pytest.raises(UserError) as refusal:
        _split_every_fold(photos, folds)
    if advised := re.search(r"data.folds (\d+) works", str(refusal.value)):
        _split_every_fold(photos, int(advised[1]))
    else:
        assert not works or "needs some of every class" in str(refusal.value)


def test_named_groups_are_held_out() -> None:
    photos = photos_of([[0, 1]] * 8, 2)
    assert set(holdout_split(photos, ["g2", "g5"], 0.2, seed=0).in_split("test").groups.tolist()) == {"g2", "g5"}
    with pytest.raises(UserError, match=r"data.holdout_groups.*anna.*g0, g1"):
        holdout_split(photos, ["anna"], 0.2, seed=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"folds": 5, "holdout_groups": ["a"]}, "data.folds and data.holdout_groups"),
        ({"folds": 5, "split": "split.csv"}, "data.split and data.folds"),
        ({"folds": 1}, "data.folds is 1,.* 2"),
        ({"folds": 5, "fold": 5}, "data.fold is 5,.*0 to 4"),
        ({"fold": 1}, "data.fold 1.*data.folds"),
        ({"holdout_groups": []}, "data.holdout_groups"),
        ({"group_by": "pattern"}, "data.group_by pattern.*data.group_pattern"),
        ({"group_by": "cluster", "group_pattern": "a"}, "data.group_by cluster.*data.group_pattern 'a'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        PostureData("photos", **options)


@pytest.mark.parametrize("options", [{"folds": 3}, {"holdout_groups": ["person0"]}])
def test_a_split_of_folders_is_not_divided_again(tmp_path: Path, draw_folder: DrawFolder, options: dict[str, Any]) -> None:
    for name in ("train", "test"):
        draw_folder(f"own/{name}", seed=len(name))
    with pytest.raises(UserError, match=f"data.{next(iter(options))}.*own"):
        _ = PostureData(str(tmp_path / "own"), group_pattern=r"person\d+", **options).photos


def test_holding_out_needs_groups(draw_folder: DrawFolder) -> None:
    with pytest.raises(UserError, match=r"data.holdout_groups.*data.group_pattern"):
        _ = PostureData(str(draw_folder()), holdout_groups=["person0"]).photos


def test_none_overrules_a_pattern(draw_folder: DrawFolder) -> None:
    assert not PostureData(str(draw_folder()), group_pattern=r"person\d+", group_by="none").choice.indexed.grouped


@pytest.mark.slow
def test_a_resumed_fold_keeps_its_split_and_so_does_its_saved_config(tmp_path: Path, draw_folder: DrawFolder, fit: Fit) -> None:
    root = draw_folder(people=8)
    options = ("--data.folds", "4", "--data.fold", "2")
    run = fit(root, *options)
    tested = read_split(read_folder(root), run / "split.csv").in_split("test")
    assert set(tested.groups.tolist()) == set(
        fold_split(read_folder(root, r"person\d+"), 4, 2, 0.2, 0).in_split("test").groups.tolist()
    )
    fit(root, *options, "--ckpt_path", "last", epochs=2)
    assert main(["test", *fit_arguments(root, tmp_path, 1)[1:], *options, "--ckpt_path", "last"]) == 0
    assert main(["fit", "--config", str(run / "config.resumed-1.yaml")]) == 0
    assert all((path.read_text() == (run / "split.csv").read_text()) for path in run.parent.glob("*/split.csv"))


def save_with_date(path: Path, model: str, time: datetime) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = model
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = time.strftime("%Y:%m:%d %H:%M:%S")
    path.parent.mkdir(parents=True, exist_ok=True)
    draw(0, seed=0).save(path, exif=exif)


def test_sessions_are_cameras_and_pauses(tmp_path: Path) -> None:
    noon, minute = datetime(2026, 5, 1, 12), timedelta(minutes=1)
    shots = {
        "left/a.jpg": ("Pixel", noon),
        "left/b.jpg": ("Pixel", noon + GAP),
        "right/c.jpg": ("Pixel", noon + 2 * GAP),
        "right/d.jpg": ("Pixel", noon + 3 * GAP + minute),
        "left/e.jpg": ("iPhone", noon + minute),
        "right/f.jpg": ("iPhone", noon + minute),
    }
    for name, (model, time) in shots.items():
        save_with_date(tmp_path / name, model, time)
    photos = read_folder(tmp_path)
    found = dict(zip(photos.paths.tolist(), session_groups(photos).tolist(), strict=True))
    assert found["left/a.jpg"] == found["left/b.jpg"] == found["right/c.jpg"] == "Pixel 2026-05-01 12:00:00"
    assert found["right/d.jpg"] == "Pixel 2026-05-01 13:31:00"
    assert found["left/e.jpg"] == found["right/f.jpg"] == "iPhone 2026-05-01 12:01:00"
    assert PostureData(str(tmp_path), group_by="exif").choice.indexed.grouped


def test_photos_without_a_date_are_named(draw_folder: DrawFolder) -> None:
    with pytest.raises(UserError, match=r"data.group_by exif: 24 of 24 .*left/person0_0.png, "):
        _ = PostureData(str(draw_folder()), group_by="exif").photos
