"""Which stages are open at an epoch, and their learning rates."""

import math

import pytest

from posture_classifier.callbacks.schedule import OpenStages, Schedule, openings, with_solved_head


@pytest.mark.parametrize(
    ("every", "listed", "counts"),
    [
        (None, None, [1, 1, 1, 1, 1, 1]),
        (None, {0: "all"}, [4, 4, 4, 4, 4, 4]),
        (2, None, [1, 1, 2, 2, 3, 3]),
        (1, None, [1, 2, 3, 4, 4, 4]),
        (None, {2: 2, 4: "all"}, [1, 1, 2, 2, 4, 4]),
        (None, {4: "all", 2: 2}, [1, 1, 2, 2, 4, 4]),
        (None, {1: 99}, [1, 4, 4, 4, 4, 4]),
    ],
)
def test_open_stages_by_epoch(every: int | None, listed: OpenStages | None, counts: list[int]) -> None:
    schedule = Schedule(openings(4, every, listed))
    assert [schedule.open_stages(epoch) for epoch in range(6)] == counts


@pytest.mark.parametrize(("every", "listed"), [(0, None), (1, {0: "all"}), (None, {-1: 2}), (None, {3: 0})])
def test_impossible_options_are_refused(every: int | None, listed: OpenStages | None) -> None:
    with pytest.raises(ValueError, match="unfreezing"):
        openings(4, every, listed)


def test_rate_warms_up_after_each_opening_and_falls_to_zero_at_the_end() -> None:
    schedule = Schedule((0.0, 4.0, math.inf), warmup_epochs=1, max_epochs=8)
    assert schedule.rate(0, 0.5) == pytest.approx(0.5 * 0.5 * (1 + math.cos(math.pi / 16)))
    assert schedule.rate(1, 3.9) == 0
    assert schedule.rate(1, 4.25) == pytest.approx(0.25 * 0.5 * (1 + math.cos(math.pi / 16)))
    assert schedule.rate(1, 5) > schedule.rate(0, 5), "a stage that opens late starts from its full rate"
    assert schedule.rate(0, 8) == schedule.rate(1, 8) == pytest.approx(0)
    assert schedule.rate(2, 7) == 0


def test_rate_stays_at_its_peak_without_an_end() -> None:
    assert Schedule((0.0,)).rate(0, 1000) == 1


def test_last_opening_ignores_stages_that_never_open() -> None:
    assert Schedule((0.0, 3.0, math.inf)).all_opened_at() == 3


def test_a_solved_head_takes_its_steps_with_the_second_stage() -> None:
    opening = Schedule(with_solved_head(openings(4, open_stages={2: 3})), warmup_epochs=1, max_epochs=6)
    assert [opening.open_stages(epoch) for epoch in (0, 1, 2)] == [1, 1, 3]
    assert [opening.rate(0, epoch) > 0 for epoch in (0, 1.9, 2, 2.5)] == [False, False, False, True]
    assert all(opening.rate(0, epoch) == opening.rate(1, epoch) for epoch in (2.5, 4, 6))
    frozen = Schedule(with_solved_head(openings(4)), max_epochs=6)
    assert [(frozen.open_stages(epoch), frozen.rate(0, epoch)) for epoch in (0, 5.5)] == [(1, 0.0), (1, 0.0)]
    assert frozen.all_opened_at() == 0
