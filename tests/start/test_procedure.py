"""The paragraph that ``start`` ends with."""

from typing import Any

from posture_classifier.start.procedure import describe_result

SUMMARY: dict[str, Any] = {
    "images": 720,
    "groups": 4,
    "accuracy": {"value": 0.861, "low": 0.579, "high": 0.965},
    "accuracy_of_groups": [
        {"group": "민준", "images": 180, "accuracy": 0.833},
        {"group": "지후", "images": 180, "accuracy": 0.878},
    ],
    "status": {"few_groups": "The figures rest on 4 groups.", "near_copies": "3 photos have a near-copy."},
}


def test_the_share_its_interval_and_its_spread_over_people_are_said_once() -> None:
    said = describe_result(SUMMARY)
    for part in (
        "720 photos of 4 groups",
        "86.1 %",
        "57.9 to 96.5 %",
        "83.3 % (민준)",
        "87.8 % (지후)",
        "3 photos have a near-copy.",
    ):
        assert said.count(part) == 1, part
    assert "The figures rest on" not in said, "the range has its own sentence on that"


def test_without_an_interval_nothing_is_expected_of_others() -> None:
    accuracy = {"value": 0.875, "low": None, "high": None, "too_few": "2 groups"}
    said = describe_result(SUMMARY | {"groups": 2, "accuracy": accuracy, "status": {"few_groups": "The figures rest on 2 groups."}})
    assert "87.5 % (95 % interval unknown: 2 groups)" in said
    assert "The figures rest on 2 groups." in said
    assert "expect " not in said


def test_limits_stand_before_what_is_expected_of_the_final_network() -> None:
    said = describe_result(SUMMARY, ["The groups are scenes."])
    assert 0 < said.index("The groups are scenes.") < said.index("the final network")


def test_where_all_are_alike_there_is_no_spread() -> None:
    groups = [{"group": name, "accuracy": 1.0} for name in ("민준", "지후")]
    assert "민준" not in describe_result(SUMMARY | {"accuracy_of_groups": groups})


def test_photos_that_stand_alone_are_no_group() -> None:
    said = describe_result(SUMMARY | {"groups": None, "accuracy_of_groups": None, "status": {}})
    assert "Of 720 photos, 86.1 %" in said
    assert "other photos expect" in said
