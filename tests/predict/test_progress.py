"""What a log says of a prediction that takes hours."""

import threading

import pytest

from posture_classifier.predict import progress
from posture_classifier.predict.photo_list import PhotoList
from posture_classifier.predict.progress import Progress
from posture_classifier.predict.shard import Shard
from tests.helpers.photos import DrawFolder


def wait_for_count() -> None:
    """Wait until the photos are counted."""
    for thread in threading.enumerate():
        if thread.name == "counting photos":
            thread.join()


def test_a_log_says_how_far_it_is(
    draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY", 0.0)
    with Progress(PhotoList([str(draw_folder(people=5))]), Shard()) as shown:
        shown.begin(done=10)
        wait_for_count()
        assert shown.total == 20
        shown.advance()
    said = capsys.readouterr().out
    assert "11 of 20 photos" in said
    assert "0 min left" in said


def test_the_first_shard_counts_its_own_photos(draw_folder: DrawFolder) -> None:
    photos = PhotoList([str(draw_folder(people=20))])
    totals = []
    for number in range(2):
        with Progress(photos, Shard(number, 2)) as shown:
            shown.begin(done=0)
            wait_for_count()
            totals.append(shown.total)
    assert totals == [sum(map(Shard(0, 2).holds, photos)), None]
