"""Temperatures by hand, and against the lowest log loss."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import score
from posture_classifier.metrics.temperature_scaling import LEAST, RANGE, fit_temperature, rescale
from tests.helpers.predictions import calibrated


def alike(sure: float, right: int, wrong: int) -> Predictions:
    """Photos that are all said to be of the first class, as surely."""
    n = right + wrong
    return Predictions(np.arange(n), np.repeat([0, 1], [right, wrong]), np.tile([sure, 1 - sure], (n, 1)))


@pytest.mark.parametrize(("classes", "planted"), [(2, 2.0), (5, 3.0), (3, 0.5)])
def test_a_planted_temperature_is_found_again(classes: int, planted: float) -> None:
    assert fit_temperature(rescale(calibrated(20_000, classes), 1 / planted)) == pytest.approx(planted, rel=0.05)


@given(st.integers(0, 1000), st.integers(2, 5), st.sampled_from([0.3, 1.0, 4.0]))
@settings(max_examples=20, deadline=None)
def test_the_temperature_is_that_of_least_log_loss(seed: int, classes: int, factor: float) -> None:
    predictions = rescale(calibrated(60, classes, seed), 1 / factor)
    wrong = int((predictions.predicted != predictions.labels).sum())
    assume(LEAST <= wrong <= 60 - LEAST)
    found = fit_temperature(predictions)
    assert found is not None

    def loss(log_temperature: float) -> float:
        return score(rescale(predictions, np.exp(log_temperature)), "log_loss")

    best = minimize_scalar(loss, bounds=np.log(RANGE), method="bounded")
    assert loss(np.log(found)) <= best.fun + 1e-7
    assert loss(np.log(found)) <= score(predictions, "log_loss") + 1e-12
    assert (rescale(predictions, found).predicted == predictions.predicted).all(), "the predicted classes stay the same"


def test_the_temperature_in_closed_form() -> None:
    """Always 0.99 sure and right for 9 of 10: the logit is to become that of 0.9."""
    found = fit_temperature(alike(0.99, right=45, wrong=5))
    assert found == pytest.approx(np.log(0.99 / 0.01) / np.log(0.9 / 0.1))


@pytest.mark.parametrize(("right", "wrong"), [(10, 0), (500, LEAST - 1), (LEAST - 1, LEAST), (0, 10), (2, 2)])
def test_too_few_photos_that_are_wrong_or_right_choose_no_temperature(right: int, wrong: int) -> None:
    assert fit_temperature(alike(0.99, right, wrong)) is None
    assert fit_temperature(alike(0.99, right + LEAST, wrong + LEAST)) is not None


@pytest.mark.parametrize(("sure", "right", "expected"), [(0.5 + 1e-9, 45, RANGE[0]), (1 - 1e-15, 25, RANGE[1])])
def test_a_temperature_beyond_the_range_is_the_end_of_the_range(sure: float, right: int, expected: float) -> None:
    assert fit_temperature(alike(sure, right, 50 - right)) == pytest.approx(expected)
