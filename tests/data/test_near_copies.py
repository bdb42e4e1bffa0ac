"""Near-copies on two sides of a split are counted from what ``check`` has left in its cache."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.data.folder import Photos, read_folder
from posture_classifier.data.near_copies import NearCopies, describe_near_copies, find_near_copies
from posture_classifier.data.scan.scan import scan_photos
from posture_classifier.data.seen import photo_digests
from posture_classifier.data.split import split_photos
from posture_classifier.images.depth import FULL_RANGE
from tests.helpers.videos import draw_videos

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture
def videos(tmp_path: Path) -> Photos:
    return read_folder(draw_videos(tmp_path / "videos", people=5, frames=10), r"(\w+)_\d+")


def scan(photos: Photos, some: slice = slice(None)) -> None:
    scan_photos([Path(photos.file(index)) for index in range(len(photos))][some], lambda *_: None)


def counts(photos: Photos) -> dict[str, NearCopies]:
    return find_near_copies(photos, photo_digests(photos), FULL_RANGE)


@pytest.mark.slow
def test_frames_of_one_video_on_two_sides_are_counted_and_other_people_are_not(videos: Photos) -> None:
    at_random = split_photos(replace(videos, groups=videos.paths, grouped=False), FRACTIONS, seed=0)
    assert counts(at_random) == {"val": NearCopies(0, 0, 10), "test": NearCopies(0, 0, 10)}, "nothing is known before a scan"
    scan(videos)
    assert counts(at_random) == {"val": NearCopies(10, 10, 10), "test": NearCopies(10, 10, 10)}
    by_people = split_photos(videos, FRACTIONS, seed=0)
    assert counts(by_people) == {"val": NearCopies(0, 10, 10), "test": NearCopies(0, 10, 10)}


@pytest.mark.slow
def test_what_was_not_scanned_is_not_known_but_copies_are(videos: Photos) -> None:
    by_people = split_photos(videos, FRACTIONS, seed=0)
    digests = photo_digests(by_people)
    train, test = (np.flatnonzero(by_people.splits == split)[0] for split in ("train", "test"))
    digests[test] = digests[train]
    assert find_near_copies(by_people, digests, FULL_RANGE)["test"] == NearCopies(1, 0, 10)
    digests[:] = 0
    assert find_near_copies(by_people, digests, FULL_RANGE)["test"] == NearCopies(0, 0, 10), "unreadable files are no copies"
    scan(by_people.in_split("test"))
    assert [found.known for found in counts(by_people).values()] == [0, 10]


def test_only_what_is_counted_is_told() -> None:
    assert describe_near_copies({}) == describe_near_copies({"val": NearCopies(0, 5, 5)}) == ""
    told = describe_near_copies({"val": NearCopies(2, 3, 5), "test": NearCopies(4, 5, 5)})
    assert told.startswith("4 of 5 test photos and at least 2 of 5 val photos")
