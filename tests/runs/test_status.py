"""One line says what figures cannot be trusted for, and nothing where all is well."""

import numpy as np
import pytest

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.runs.status import find_status, status_line

CLASSES = ["left", "right"]


def predictions_of(labels: list[int], said: list[int], n_classes: int = 2) -> Predictions:
    probabilities = np.full((len(labels), n_classes), 0.1 / (n_classes - 1))
    probabilities[np.arange(len(labels)), said] = 0.9
    return Predictions(np.arange(len(labels)), np.array(labels), probabilities)


def keys(labels: list[int], said: list[int], groups: list[str] | None, classes: list[str] = CLASSES) -> list[str]:
    predictions = predictions_of(labels, said, len(classes))
    names = np.array(groups) if groups else np.arange(len(labels)).astype(str)
    accuracy = estimates(predictions, names)["accuracy"]
    return list(find_status(predictions, classes, accuracy, len(set(groups)) if groups else None))


def people(n: int, each: int) -> list[str]:
    return [f"person{i // each}" for i in range(n * each)]


HALVES = [0, 1] * 20


@pytest.mark.parametrize(
    ("labels", "said", "groups", "expected"),
    [
        (HALVES, HALVES, people(8, 5), []),
        (HALVES, HALVES, None, ["no_groups"]),
        (HALVES, HALVES, people(1, 40), ["few_groups"]),
        (HALVES, [0] * 40, people(8, 5), ["one_class_said"]),
        (HALVES, [0] * 40, people(1, 40), ["one_class_said", "few_groups"]),
        (HALVES, [0, 0, 1, 1] * 10, people(8, 5), ["not_above_commonest"]),
        (HALVES, [0, 0, 1, 1] * 10, people(1, 40), ["not_above_commonest", "few_groups"]),
        ([0] * 40, [0] * 40, people(8, 5), ["missing_classes"]),
        ([0] * 40, [0, 1] * 20, people(8, 5), ["missing_classes"]),
        ([0, 1], [0, 1], ["a", "a"], ["few_groups"]),
        ([1] * 38 + [0, 0], [1] * 39 + [0], people(8, 5), ["not_above_commonest"]),
    ],
)
def test_what_limits_the_figures(labels: list[int], said: list[int], groups: list[str] | None, expected: list[str]) -> None:
    assert keys(labels, said, groups) == expected


@pytest.mark.parametrize(("n", "few"), [(1, True), (2, True), (3, True), (4, True), (5, False)])
def test_fewer_than_five_groups_are_few(n: int, few: bool) -> None:
    assert ("few_groups" in keys(HALVES[: 8 * n], HALVES[: 8 * n], people(n, 8))) == few
    assert ("few_groups" in keys(HALVES[:n], HALVES[:n], None)) == few, "each photo for itself"


def test_a_class_of_three_without_test_photos_is_named() -> None:
    predictions = predictions_of(HALVES, HALVES, 3)
    status = find_status(predictions, ["a", "b", "c"], Estimate(1.0, 0.9, 1.0), groups=8)
    assert list(status) == ["missing_classes"]
    assert status["missing_classes"].startswith("c has no test photos")


@pytest.mark.parametrize(("images", "told"), [(0, False), (3, False), (4, True), (400, True)])
def test_near_copies_that_can_be_worth_a_point_are_told(images: int, told: bool) -> None:
    status = find_status(
        predictions_of(HALVES, HALVES), CLASSES, Estimate(1.0, 0.9, 1.0), 8, near_copies=NearCopies(images, 400, 400)
    )
    assert ("near_copies" in status) == told
    assert (f"{images} of 400 test photos" in status_line(status)) == told


def test_the_gravest_comes_first_and_all_are_one_line() -> None:
    status = find_status(
        predictions_of([0, 1], [0, 0]), CLASSES, Estimate(0.5), None, validation=True, near_copies=NearCopies(2, 2, 2)
    )
    assert list(status) == ["one_class_said", "near_copies", "no_groups", "validation_only", "few_groups"]
    assert status_line(status) == " ".join(status.values())
    assert status_line({}) == "", "nothing is said where all is well"
    assert "\n" not in status_line(status)
    assert all(sentence.endswith(".") for sentence in status.values())
