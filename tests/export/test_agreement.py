"""An artifact passes where it answers as its checkpoint, and int8 where little is lost."""

from dataclasses import replace

import numpy as np
import pytest

from posture_classifier.export.agreement import LARGEST_LOSS, Agreement, compare, paired_interval, why_int8_refused, why_refused
from posture_classifier.metrics.predictions import Predictions
from tests.helpers.predictions import calibrated

N = 1000
GROUPS = np.repeat(np.arange(N // 5), 5).astype(str)


@pytest.fixture(scope="module")
def checkpoint() -> Predictions:
    return calibrated(N, 3)


def agreement(checkpoint: Predictions, artifact: Predictions) -> Agreement:
    return compare(checkpoint, artifact, GROUPS, unseen=True)


def mislabelled(predictions: Predictions, photos: int, right: bool) -> Predictions:
    """Give some photos of many groups that are right, or wrong, another label."""
    probabilities = predictions.probabilities.copy()
    candidates = np.flatnonzero(predictions.correct == right)
    chosen = candidates[np.linspace(0, len(candidates) - 1, photos).astype(np.int64)]
    probabilities[chosen] = np.roll(probabilities[chosen], 1, axis=1)
    return replace(predictions, probabilities=probabilities)


def test_equal_answers_pass(checkpoint: Predictions) -> None:
    found = agreement(checkpoint, checkpoint)
    assert (found.other_labels, found.largest_difference, found.images, found.groups) == (0, 0, N, N // 5)
    assert why_refused(found) is None
    assert why_int8_refused(found) is None


@pytest.mark.parametrize(("other", "passes"), [(5, True), (6, False)])
def test_half_a_percent_of_other_labels_is_the_most(checkpoint: Predictions, other: int, passes: bool) -> None:
    found = agreement(checkpoint, mislabelled(checkpoint, other, right=True))
    assert found.other_labels == other
    assert (why_refused(found) is None) == passes


def test_probabilities_that_are_no_numbers_are_refused(checkpoint: Predictions) -> None:
    probabilities = checkpoint.probabilities.copy()
    probabilities[0] = np.nan
    found = agreement(checkpoint, replace(checkpoint, probabilities=probabilities))
    assert why_refused(found)
    assert why_int8_refused(found)


def test_photos_that_were_learnt_from_have_no_accuracy(checkpoint: Predictions) -> None:
    found = compare(checkpoint, checkpoint, GROUPS, unseen=False)
    assert found.accuracy is found.log_loss is None
    assert why_refused(found) is None
    assert why_int8_refused(found), "what int8 costs is not known"


def test_int8_may_not_cost_two_points(checkpoint: Predictions) -> None:
    assert why_int8_refused(agreement(checkpoint, mislabelled(checkpoint, 4, right=True))) is None
    refused = why_int8_refused(agreement(checkpoint, mislabelled(checkpoint, 15, right=True)))
    assert refused
    assert "points" in refused, "1.5 are lost, but more may be"


def test_int8_may_not_cost_the_calibration(checkpoint: Predictions) -> None:
    sharp = checkpoint.probabilities**2.5
    refused = why_int8_refused(agreement(checkpoint, replace(checkpoint, probabilities=sharp / sharp.sum(1, keepdims=True))))
    assert refused
    assert "log loss" in refused, "all labels are the same"


def test_few_photos_cannot_show_that_nothing_is_lost() -> None:
    """However equal they are: one photo more or less would be more than two points."""
    few = calibrated(100, 2)
    found = compare(few, few, np.repeat(np.arange(20), 5).astype(str), unseen=True)
    assert found.other_labels == 0
    assert why_int8_refused(found)


def test_a_change_that_nobody_saw_is_not_taken_for_less_than_one_that_was_seen() -> None:
    nothing, one = np.zeros((2, N), dtype=np.bool_)
    one[7] = True
    seen, unseen = paired_interval(nothing, one, GROUPS), paired_interval(nothing, nothing, GROUPS)
    assert unseen.ends
    assert unseen.ends[0] == pytest.approx(seen.low, rel=0.05)
    assert unseen.ends[0] == pytest.approx(-unseen.ends[1])


def test_a_loss_of_two_points_hardly_ever_passes(few_resamples: None) -> None:
    """Photos of some people are lost more often; a bootstrap of the mean would pass one in five."""
    generator = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 10).astype(str)
    passed = 0
    for _ in range(100):
        lost = (generator.random((40, 10)) < generator.beta(0.08, 3.92, (40, 1))).ravel()
        low = paired_interval(np.zeros_like(lost), lost, groups).low
        passed += low is not None and low > -LARGEST_LOSS
    assert passed <= 8, "2.5 are expected at the limit, where every photo is its own person"
