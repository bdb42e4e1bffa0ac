"""Metrics against scikit-learn, their intervals against theory."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest, t
from sklearn.metrics import balanced_accuracy_score, f1_score, log_loss, roc_auc_score

from posture_classifier.metrics.auroc import auroc
from posture_classifier.metrics.intervals import Estimate, wilson_interval
from posture_classifier.metrics.predictions import Known, Predictions
from posture_classifier.metrics.reliability import BINS
from posture_classifier.metrics.scores import METRICS, estimates, score


def random_predictions(n: int, classes: int, seed: int, rounded: bool = False) -> Predictions:
    generator = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    logits = generator.normal(size=(n, classes)) + 1.5 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return Predictions(np.arange(n), labels, probabilities.round(1) if rounded else probabilities)


def width(estimate: Estimate) -> float:
    assert estimate.ends
    return estimate.ends[1] - estimate.ends[0]


def ece_bin_by_bin(predictions: Predictions) -> float:
    """Guo et al. 2017, equation 3, as it is written there."""
    total = 0.0
    for low in range(BINS):
        inside = (predictions.confidence > low / BINS) & (predictions.confidence <= (low + 1) / BINS)
        if inside.any():
            right = predictions.correct[inside].mean()
            total += inside.mean() * abs(right - predictions.confidence[inside].mean())
    return total


@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("rounded", [False, True], ids=["", "with ties"])
def test_metrics_are_those_of_scikit_learn(classes: int, rounded: bool) -> None:
    predictions = random_predictions(200, classes, seed=1, rounded=rounded)
    measured = estimates(predictions, np.arange(200).astype(str))
    labels, said = predictions.labels, predictions.predicted
    areas = [roc_auc_score(labels == c, predictions.probabilities[:, c]) for c in range(classes)]
    expected = {
        "accuracy": (labels == said).mean(),
        "balanced_accuracy": balanced_accuracy_score(labels, said),
        "macro_f1": f1_score(labels, said, average="macro"),
        "auroc": np.mean(areas),
        "log_loss": -np.log(np.maximum(predictions.probabilities[np.arange(200), labels], 1e-12)).mean(),
        "ece": ece_bin_by_bin(predictions),
    }
    assert {name: estimate.value for name, estimate in measured.items()} == pytest.approx(expected)
    if not rounded:
        assert measured["log_loss"].value == pytest.approx(log_loss(labels, predictions.probabilities))
    # What is logged in every epoch is what the summary says, to the last digit but one.
    assert {name: score(predictions, name) for name in METRICS} == pytest.approx(expected, rel=1e-12)


def test_the_spread_of_the_auroc_is_that_of_delong() -> None:
    """DeLong et al. 1988, equation 5, from the matrix of all pairs."""
    predictions = random_predictions(60, 2, seed=2, rounded=True)
    scores, positive = predictions.probabilities[:, 1], predictions.labels == 1
    wins = (scores[positive][:, None] > scores[~positive]) + 0.5 * (scores[positive][:, None] == scores[~positive])
    area, influence = auroc(scores, positive)
    assert area == pytest.approx(wins.mean())
    variance = sum(placements.var(ddof=1) / len(placements) for placements in (wins.mean(1), wins.mean(0)))
    assert 30 / 29 * (influence**2).sum() == pytest.approx(variance)
    estimate = estimates(predictions, np.arange(60).astype(str))["auroc"]
    trials = wins.mean() * (1 - wins.mean()) / variance
    expected = wilson_interval(wins.mean(), trials, t.ppf(0.975, 59))
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=0.005), "but for the resamples"


def test_the_interval_of_single_photos_is_about_that_of_a_binomial() -> None:
    predictions = random_predictions(400, 2, seed=3)
    estimate = estimates(predictions, np.arange(400).astype(str))["accuracy"]
    value = predictions.correct.mean()
    assert width(estimate) == pytest.approx(2 * 1.96 * np.sqrt(value * (1 - value) / 400), rel=0.15)


def test_ten_photos_of_one_person_are_not_ten_witnesses() -> None:
    """Whole people right or wrong: the interval must be that of 40 people, not of 400 photos."""
    labels = np.arange(400) % 2
    person = np.arange(400) // 10
    right = (person % 4) > 0
    said = np.where(right, labels, 1 - labels)
    predictions = Predictions(np.arange(400), labels, np.eye(2)[said] * 0.8 + 0.1)
    alone = estimates(predictions, np.arange(400).astype(str))["accuracy"]
    grouped = estimates(predictions, person.astype(str))["accuracy"]
    assert width(grouped) / width(alone) == pytest.approx(np.sqrt(10), rel=0.15)


def test_a_perfect_score_is_not_certain() -> None:
    labels = np.arange(200) % 2
    predictions = Predictions(np.arange(200), labels, np.eye(2)[labels])
    for n_groups, low in ((200, 0.981), (20, 0.839)):
        measured = estimates(predictions, (np.arange(200) % n_groups).astype(str))
        for estimate in (measured[name] for name, metric in METRICS.items() if metric.higher_is_better):
            assert estimate.value == estimate.high == 1
            assert estimate.low == pytest.approx(low, abs=1e-3)


def test_one_group_tells_nothing_of_others() -> None:
    measured = estimates(random_predictions(40, 2, seed=0), np.full(40, "me"))
    assert all(one.value is not None and one.low is None and one.high is None for one in measured.values())


def test_auroc_of_one_class_is_undefined() -> None:
    predictions = Predictions(np.arange(4), np.zeros(4, dtype=np.int64), np.full((4, 2), 0.5))
    measured = estimates(predictions, np.arange(4).astype(str))
    assert measured["auroc"].value is None
    assert np.isnan(score(predictions, "auroc"))
    assert set(measured) == set(METRICS)


def test_a_thousand_classes_fit_into_memory() -> None:
    predictions = random_predictions(1000, 1000, seed=0)
    measured = estimates(predictions, (np.arange(1000) // 10).astype(str))
    assert measured["accuracy"].value == pytest.approx(predictions.correct.mean())


def test_wilson_is_for_photos_that_stand_alone() -> None:
    predictions = random_predictions(100, 2, seed=0)
    expected = binomtest(int(predictions.correct.sum()), 100).proportion_ci(method="wilson")
    alone = estimates(predictions, np.arange(100).astype(str))
    assert (alone["accuracy"].low, alone["accuracy"].high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    grouped = estimates(predictions, (np.arange(100) // 2).astype(str))
    assert grouped["accuracy"].low != pytest.approx(expected.low, abs=1e-6), "two photos of one person are not two trials"


def test_nothing_right_is_not_certain_either() -> None:
    labels = np.arange(40) % 2
    estimate = estimates(Predictions(np.arange(40), labels, np.eye(2)[1 - labels]), (np.arange(40) % 8).astype(str))["accuracy"]
    assert (estimate.value, estimate.low) == (0, 0)
    assert estimate.high == pytest.approx(binomtest(0, 8).proportion_ci(method="wilson").high, abs=1e-6)


@pytest.mark.parametrize(
    ("known", "lacking"), [("label", {"auroc", "log_loss", "ece"}), ("confidence", {"auroc", "log_loss"}), ("probabilities", set())]
)
def test_what_needs_more_than_is_known_is_left_out(known: Known, lacking: set[str]) -> None:
    predictions = replace(random_predictions(60, 3, seed=0), known=known)
    assert set(METRICS) - set(estimates(predictions, np.arange(60).astype(str))) == lacking


def test_a_single_class_has_a_loss() -> None:
    predictions = Predictions(np.arange(6), np.zeros(6, dtype=np.int64), np.ones((6, 1)))
    measured = estimates(predictions, (np.arange(6) % 3).astype(str))
    assert (measured["log_loss"].value, measured["log_loss"].low) == (0, 0)
