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
    points,
    quantity,
    why_unknown,
)

KNOWN, TWO_GROUPS, UNDEFINED = Estimate(0.927, 0.873, 0.967), Estimate(0.9, too_few="2 groups"), Estimate(None)


def test_estimates() -> None:
    assert describe_interval(KNOWN) == "0.873 to 0.967"
    assert describe_estimate(KNOWN) == "0.927 (0.873 to 0.967)"
    assert percent_estimate(KNOWN) == "92.7 % (95 % interval 87.3 to 96.7 %)"
    assert estimate_cell(KNOWN).striptags() == describe_estimate(KNOWN)


def test_what_is_unknown_is_said() -> None:
    assert describe_estimate(UNDEFINED) == estimate_cell(UNDEFINED) == "-"
    assert describe_interval(UNDEFINED) != describe_interval(TWO_GROUPS)
    assert describe_interval(TWO_GROUPS) == "unknown (2 groups)"
    for text in (describe_estimate(TWO_GROUPS), percent_estimate(TWO_GROUPS), estimate_cell(TWO_GROUPS)):
        assert "unknown: 2 groups" in text
        assert "None" not in text
    assert describe_interval(Estimate(0.9)) == "unknown (1 group)", "as a run of an older version leaves unsaid"


def test_why_intervals_are_unknown_is_said_once() -> None:
    assert why_unknown([KNOWN, UNDEFINED]) == ""
    assert why_unknown([TWO_GROUPS, KNOWN, TWO_GROUPS]).count("2 groups are too few for an interval") == 1
    of_class = why_unknown([TWO_GROUPS, Estimate(0.9, too_few="1 group of a class")])
    assert of_class.startswith("1 group of a class and 2 groups are")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (percent(0.5), "50 %"),
        (percent(0.927), "92.7 %"),
        (points(0.0614), "+6.1"),
        (points(-0.08), "\N{MINUS SIGN}8.0"),
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
