"""What is looked at, in which order, and that nothing is shown twice."""

import numpy as np

from posture_classifier.app.review.queue import (
    MOST_PHOTOS,
    Reason,
    items_of_examples,
    make_queue,
    reasons_of_errors,
    reasons_of_findings,
)
from posture_classifier.check.finding import Finding
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.runs.predictions import PredictionTable


def table(shares_of_left: dict[str, float], label: int = 0) -> PredictionTable:
    shares = np.array([[share, 1 - share] for share in shares_of_left.values()])
    predictions = Predictions(np.arange(len(shares)), np.full(len(shares), label), shares)
    names = np.array(list(shares_of_left))
    return PredictionTable(names, names, ["left", "right"], predictions)


def test_the_worst_mistakes_come_first_whichever_split_they_are_in() -> None:
    tables = {"test": table({"a": 0.3, "b": 0.05, "right": 0.9}), "val": table({"c": 0.1})}
    reasons = reasons_of_errors(tables)
    assert [(reason.photos, reason.values["split"]) for reason in reasons] == [(("b",), "test"), (("c",), "val"), (("a",), "test")]
    assert (reasons[0].values["said"], reasons[0].values["share"]) == ("right", 0.95)


def test_findings_follow_by_kind_and_those_without_photos_to_decide_are_left_out() -> None:
    findings = [
        Finding("blurred", "warning", "", [["d"]]),
        Finding("light_shortcut", "warning", ""),
        Finding("same_scene", "note", "", [["a", "b"], ["c", "d"]]),
        Finding("label_errors", "warning", "", [["e"]], values={"looks_like": ["right"]}),
    ]
    labels = {"a": "left", "b": "right", "c": "left", "d": "left", "e": "left"}
    found = [(reason.kind, reason.photos, reason.values.get("said")) for reason in reasons_of_findings(findings, labels)]
    assert found == [("label_errors", ("e",), "right"), ("same_scene", ("a", "b"), None), ("blurred", ("d",), None)]


def test_a_photo_is_in_one_item_with_all_its_reasons() -> None:
    reasons = [Reason("error", ("b",)), Reason("error", ("z",)), Reason("identical_files", ("a", "b")), Reason("dark", ("a",))]
    first, second = make_queue(reasons)
    assert (first.photos, [reason.kind for reason in first.reasons]) == (("b", "a"), ["error", "identical_files", "dark"])
    assert second.photos == ("z",)


def test_a_cluster_joins_what_stood_in_several_places() -> None:
    reasons = [Reason("error", ("a",)), Reason("error", ("x",)), Reason("error", ("b",)), Reason("same_scene", ("b", "a"))]
    assert [item.photos for item in make_queue(reasons)] == [("a", "b"), ("x",)]


def test_too_many_copies_to_look_at_are_several_items() -> None:
    copies = tuple(map(str, range(2 * MOST_PHOTOS + 1)))
    items = make_queue([Reason("placeholders", copies)])
    assert [len(item.photos) for item in items] == [MOST_PHOTOS, MOST_PHOTOS, 1]
    assert sum((item.photos for item in items), ()) == copies


def test_examples_of_a_shortcut_are_one_item_without_the_photos_of_others() -> None:
    light = Finding("light_shortcut", "note", "Light tells.", examples={"dark": ["a", "b"], "bright": ["c"], "odd": ["x"]})
    dates = Finding("file_property_shortcut", "note", "Dates tell.", examples={"old": ["b", "d"]})
    queue = make_queue([Reason("error", ("x",)), Reason("identical_files", ("c", "y"))])
    first, second = items_of_examples([light, Finding("groups", "note", "", [["z"]]), dates], queue)
    assert first.photos == ("a", "b")
    assert [(reason.kind, reason.photos, reason.values["text"]) for reason in first.reasons] == [
        ("light_shortcut", ("a", "b"), "Light tells."),
        ("light_shortcut", ("a", "b"), "dark"),
    ]
    assert second.photos == ("d",)


def test_the_order_does_not_depend_on_what_the_check_adds_later() -> None:
    errors = [Reason("error", (name,)) for name in "abc"]
    later = [*errors, Reason("dark", ("d",)), Reason("blurred", ("b",))]
    assert [item.photos for item in make_queue(later)][:3] == [item.photos for item in make_queue(errors)]
