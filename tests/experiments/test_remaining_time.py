"""How long a series still takes, as its lines say it."""

import pytest

from posture_classifier.experiments.remaining_time import RemainingTime


def test_the_time_to_go(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter([0.0, 600.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    remaining = RemainingTime(total=5, waiting=4)
    assert remaining.begin() == "2 of 5"
    remaining.end()
    assert remaining.begin() == "3 of 5 (10 min so far, about 30 min to go)"
