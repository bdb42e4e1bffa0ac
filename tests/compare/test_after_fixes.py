"""Whether a training on fixed photos helped, on equal terms."""

import numpy as np
import pytest

from posture_classifier.compare.after_fixes import compare_after_fixes
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.errors import UserError


def table(said: list[int], labels: list[int], names: list[str] | None = None, per_group: int = 1) -> PredictionTable:
    names = names or [f"{number:03}" for number in range(len(said))]
    shares = np.where(np.arange(2) == np.array(said)[:, None], 0.9, 0.1)
    predictions = Predictions(np.arange(len(said)), np.array(labels), shares)
    groups = [str(number // per_group) for number in range(len(said))]
    return PredictionTable(np.array(names), np.array(groups), ["left", "right"], predictions)


def test_both_networks_are_judged_by_the_new_labels() -> None:
    """The old network said right of a photo that was called left, and is right by now."""
    answer = compare_after_fixes(table([1, 0, 0, 0], [0, 0, 0, 0]), table([1, 0, 0, 1], [1, 0, 0, 0]))
    assert (answer.relabelled, answer.removed) == (1, 0)
    assert (answer.all.images, answer.all.old.value, answer.all.new.value) == (4, 1.0, 0.75)
    assert answer.untouched is not None
    assert (answer.untouched.images, answer.untouched.old.value, answer.untouched.only_old) == (3, 1.0, 1)


def test_photos_that_only_one_of_them_was_tested_on_do_not_count() -> None:
    old = table([0, 1, 0], [0, 0, 0], ["a", "gone", "b"])
    new = table([0, 0, 0], [0, 0, 0], ["b", "a", "new"])
    answer = compare_after_fixes(old, new)
    assert (answer.all.images, answer.all.old.value, answer.removed) == (2, 1.0, 1)


def test_photos_are_matched_by_name_whatever_their_order() -> None:
    old = table([0, 1], [0, 1], ["a", "b"])
    new = table([1, 0], [1, 0], ["b", "a"])
    answer = compare_after_fixes(old, new)
    assert (answer.all.difference.value, answer.relabelled) == (0.0, 0)


def test_a_gain_that_every_group_shows_is_one_and_a_single_photo_is_not() -> None:
    labels = [0] * 60
    helped = compare_after_fixes(table([0, 1] * 30, labels), table([0] * 60, labels)).all
    assert helped.verdict == "helped"
    assert helped.difference.value == 0.5
    assert helped.loss_difference.value is not None
    assert helped.loss_difference.value < 0
    assert compare_after_fixes(table([0] * 60, labels), table([0, 1] * 30, labels)).all.verdict == "hurt"
    assert compare_after_fixes(table([1] + [0] * 59, labels), table([0] * 60, labels)).all.verdict == "unsettled"


def test_groups_count_rather_than_photos() -> None:
    """Of four people all photos of one are better: that may well be chance."""
    labels = [0] * 80
    old, new = table([1] * 20 + [0] * 60, labels, per_group=20), table([0] * 80, labels, per_group=20)
    answer = compare_after_fixes(old, new).all
    assert (answer.groups, answer.grouped, answer.verdict) == (4, True, "unsettled")


def test_nothing_in_common_is_refused() -> None:
    with pytest.raises(UserError, match="no common photo"):
        compare_after_fixes(table([0], [0], ["a"]), table([0], [0], ["b"]))


def test_where_every_label_was_touched_only_the_whole_is_told() -> None:
    assert compare_after_fixes(table([0, 0], [0, 1]), table([0, 0], [1, 0])).untouched is None
