"""How often the intervals hold the truth, by simulation: with photos that stand alone, and with groups."""

import numpy as np
import numpy.typing as npt
import pytest

from posture_classifier.metrics import intervals
from posture_classifier.metrics.intervals import Estimate, estimate_mean
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import auroc, estimates, reliability

Groups = npt.NDArray[np.str_]


def simulated(generator: np.random.Generator, n_groups: int, each: int, margin: float, spread: float) -> tuple[Predictions, Groups]:
    """Photos of two classes, those of a group alike easy or hard, judged by a network that is a little too sure.

    Args:
        generator: Of the randomness.
        n_groups: Number of groups.
        each: Photos of each.
        margin: Mean logit of the true class, in units of its spread over the photos of a group.
        spread: Of the groups' own margins, in the same units.
    """
    group = np.repeat(np.arange(n_groups), each)
    labels = np.arange(len(group)) % 2
    logits = (2 * labels - 1) * (margin + generator.normal(0, spread, n_groups)[group]) + generator.normal(size=len(group))
    positive = 1 / (1 + np.exp(-3 * logits))
    return Predictions(np.arange(len(group)), labels, np.stack([1 - positive, positive], 1)), group.astype(str)


def truth(margin: float, spread: float) -> dict[str, float]:
    """The metrics of very many photos of very many groups."""
    crowd, _ = simulated(np.random.default_rng(99), 100_000, 4, margin, spread)
    recall = [(crowd.predicted == crowd.labels)[crowd.labels == label].mean() for label in range(2)]
    area, _ = auroc(crowd.probabilities[:, 1], crowd.labels == 1)
    assert area is not None
    shares = {"accuracy": crowd.accuracy, "balanced_accuracy": float(np.mean(recall)), "macro_f1": crowd.macro_f1, "auroc": area}
    return shares | {"log_loss": crowd.log_loss, "ece": reliability(crowd).ece}


def coverage(n_groups: int, each: int, margin: float, spread: float, times: int) -> dict[str, float]:
    """Share of the intervals that hold the truth."""
    generator, expected = np.random.default_rng(0), truth(margin, spread)
    held = dict.fromkeys(expected, 0)
    for _ in range(times):
        for name, figure in estimates(*simulated(generator, n_groups, each, margin, spread)).items():
            held[name] += holds(figure, expected[name])
    return {name: count / times for name, count in held.items()}


def holds(figure: Estimate, value: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= value <= figure.high


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spread of 400 draws is within 4 % of that of 2000."""
    monkeypatch.setattr(intervals, "RESAMPLES", 400)
    intervals.resample_weights.cache_clear()


@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize(("n_groups", "each", "spread"), [(15, 10, 0.5), (150, 1, 0.0)], ids=["groups", "single photos"])
def test_intervals_hold_the_truth_in_about_95_of_100_cases(n_groups: int, each: int, spread: float) -> None:
    for name, share in coverage(n_groups, each, 1.3, spread, times=600).items():
        assert 0.915 < share < (1 if name == "ece" else 0.98), name


@pytest.mark.slow
@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize(
    ("n_groups", "each", "margin", "spread"),
    [
        (15, 10, 1.3, 0.3),
        (15, 10, 1.3, 0.6),
        (30, 10, 1.3, 0.5),
        (72, 10, 1.3, 0.5),
        (150, 1, 1.3, 0.0),
        (400, 1, 1.6, 0.0),
    ],
)
def test_coverage_is_between_93_and_97_percent(n_groups: int, each: int, margin: float, spread: float) -> None:
    measured = coverage(n_groups, each, margin, spread, times=3000)
    assert measured.pop("ece") > 0.93, "its interval may hold more"
    for name, share in measured.items():
        assert 0.93 < share < 0.97, name


def test_an_area_near_1_of_two_groups_that_differ_says_next_to_nothing() -> None:
    figure = intervals.area_interval(np.array([0.999, 0.8, 1.0, 0.9, 1.0]), n_groups=2, n_pairs=100)
    assert (figure.low, figure.high) == (0.0, 1.0)


def test_the_mean_of_a_difference_over_few_groups() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 10)
    held = [
        holds(estimate_mean(generator.normal(size=8)[group] + generator.normal(size=80), group.astype(str)), 0.0)
        for _ in range(600)
    ]
    assert 0.92 < np.mean(held) < 0.98
