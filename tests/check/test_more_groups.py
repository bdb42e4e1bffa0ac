"""Whether more groups help: seen where it is so, and not claimed where it is not."""

import numpy as np
import pytest

from posture_classifier.check.more_groups import LEAST_GROUPS, MOST_PHOTOS, Growth, _spread, describe_growth, measure_growth
from posture_classifier.metrics.intervals import Estimate


def people(n_groups: int, signal: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of 8 photos a person, of whom each shows the classes in a way of their own, too."""
    rng = np.random.default_rng(seed)
    codes, labels = np.repeat(np.arange(n_groups), 8), np.tile([0, 1], 4 * n_groups)
    direction = signal * np.eye(1, 60) + rng.normal(size=(n_groups, 60))
    features = direction[codes] * (2 * labels[:, None] - 1) + rng.normal(size=(len(codes), 60))
    return features.astype(np.float32), labels.astype(np.int64), np.char.add("p", codes.astype(str))


@pytest.mark.usefixtures("few_resamples")
def test_a_curve_that_rises_is_seen_and_chance_is_not_taken_for_it() -> None:
    rising = measure_growth(*people(40, signal=1.5, seed=1))
    assert rising.groups == [8, 16, 32]
    assert rising.accuracy == sorted(rising.accuracy)
    assert rising.gain.value == pytest.approx(rising.accuracy[2] - rising.accuracy[1])
    assert rising.gain.low is not None
    assert rising.gain.low > 0
    assert measure_growth(*people(40, signal=1.5, seed=1)) == rising, "it repeats"
    n_claimed = 0
    for seed in range(6):
        gain = measure_growth(*people(12, signal=0, seed=seed)).gain
        n_claimed += gain.low is not None and gain.low > 0
    assert n_claimed <= 1


def test_each_group_keeps_its_share_of_the_photos_that_are_used() -> None:
    groups = np.array(["large"] * 3 * MOST_PHOTOS + ["small"] * 100)
    rows = _spread(groups, np.random.default_rng(0))
    assert len(rows) == len(set(rows.tolist())) == MOST_PHOTOS
    assert (groups[rows] == "small").sum() == 100
    assert LEAST_GROUPS == 8


@pytest.mark.parametrize(
    ("gain", "expected"),
    [
        (Estimate(0.061, 0.042, 0.08), "+6.1 points (95 % interval +4.2 to +8.0): more groups are likely to help"),
        (Estimate(0.01, -0.02, 0.04), "+1.0 points (95 % interval \N{MINUS SIGN}2.0 to +4.0): it is not shown"),
        (Estimate(0.01, too_few="2 groups"), "cannot be said"),
    ],
)
def test_only_what_is_shown_is_said(gain: Estimate, expected: str) -> None:
    told = describe_growth(Growth([14, 29, 58], [0.742, 0.82, 0.881], gain))
    assert "learnt from 14 groups is right for 74 %" in told
    assert "from 29 for 82 %, from 58 for 88 %" in told
    assert expected in told
