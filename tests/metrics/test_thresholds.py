"""Thresholds and alarms by hand, and operating points against counts at every threshold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_classifier.metrics.intervals import wilson_interval
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.thresholds import evaluate_alarm, operating_points, recall_threshold
from tests.helpers.predictions import calibrated


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0]))
@settings(max_examples=30, deadline=None)
def test_a_threshold_catches_what_was_asked_for_and_no_lower_one_is_needed(seed: int, recall: float) -> None:
    predictions = calibrated(40, 3, seed)
    scores = predictions.probabilities[predictions.labels == 1, 1]
    if len(scores):
        threshold = recall_threshold(predictions, 1, recall)
        assert (scores >= threshold).mean() >= recall - 1e-9
        assert (scores > threshold).mean() < recall


@pytest.fixture
def six_photos() -> Predictions:
    scores = np.array([0.9, 0.8, 0.3, 0.7, 0.2, 0.1])
    return Predictions(np.arange(6), np.array([1, 1, 1, 0, 0, 0]), np.stack([1 - scores, scores], 1))


def test_a_threshold_by_hand(six_photos: Predictions) -> None:
    assert recall_threshold(six_photos, 1, 0.6) == 0.8
    assert recall_threshold(six_photos, 1, 0.95) == 0.3


def test_an_alarm_by_hand(six_photos: Predictions) -> None:
    alone = np.array(list("abcdef"))
    alarm = evaluate_alarm(six_photos, alone, 1, threshold=0.3)
    assert (alarm.recall.value, alarm.precision.value) == (1, 0.75)
    assert alarm.false_alarms == wilson_interval(1 / 3, 3), "every photo is its own group"
    never = evaluate_alarm(six_photos, alone, 1, threshold=0.95)
    assert (never.recall.value, never.precision.value) == (0, None)


def test_operating_points_are_counts_at_every_threshold() -> None:
    scores = np.random.default_rng(0).integers(0, 20, 100) / 20
    positive = np.random.default_rng(1).random(100) < scores
    points = operating_points(scores, positive)
    thresholds = np.unique(scores)[::-1]
    raised = scores >= thresholds[:, None]
    np.testing.assert_allclose(points.recall, raised[:, positive].mean(1))
    np.testing.assert_allclose(points.false_alarms, raised[:, ~positive].mean(1))
    np.testing.assert_allclose(points.precision, (raised & positive).sum(1) / raised.sum(1))


def test_equal_scores_are_one_operating_point() -> None:
    points = operating_points(np.full(4, 0.5), np.array([True, False, False, False]))
    assert [column.tolist() for column in points] == [[1], [1], [0.25]]
