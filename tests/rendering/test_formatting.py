"""Numbers in words."""

import pytest

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.formatting import (
    describe_estimate,
    describe_interval,
    estimate_cell,
    operations,
    p_value,
    percent,
    percent_estimate,
    quantity,
)

KNOWN, ONE_GROUP, UNDEFINED = Estimate(0.927, 0.873, 0.967), Estimate(0.9), Estimate(None)


def test_estimates() -> None:
    assert describe_interval(KNOWN) == "0.873 to 0.967"
    assert describe_estimate(KNOWN) == "0.927 (0.873 to 0.967)"
    assert percent_estimate(KNOWN) == "92.7 % (95 % interval 87.3 to 96.7 %)"
    assert estimate_cell(KNOWN).striptags() == describe_estimate(KNOWN)


def test_what_is_unknown_is_said() -> None:
    assert describe_estimate(UNDEFINED) == estimate_cell(UNDEFINED) == "-"
    assert describe_interval(UNDEFINED) != describe_interval(ONE_GROUP)
    for text in (describe_estimate(ONE_GROUP), percent_estimate(ONE_GROUP), estimate_cell(ONE_GROUP)):
        assert describe_interval(ONE_GROUP) in text
        assert "None" not in text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.5), "50 %"),
        (percent(0.927), "92.7 %"),
        (p_value(0.0301), "0.03"),
        (p_value(0.0001), "< 0.001"),
        (quantity(None), ""),
        (quantity(4_123_456, 1e6), "4.12"),
        (quantity(1234.5), "1,234"),
        (operations(70_500_000), "70.5 M"),
        (operations(4_100_000_000), "4.1 G"),
    ],
)
def test_numbers(written: str, expected: str) -> None:
    assert written == expected
