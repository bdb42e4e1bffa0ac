"""How often the intervals cover the truth, by simulation, with groups and with single photos."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest

from posture_classifier.metrics.intervals import Estimate, auroc_interval, estimate_mean, estimate_share, wilson_interval
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, estimates, score

Groups = npt.NDArray[np.str_]


def simulated(generator: np.random.Generator, n_groups: int, each: int, margin: float, spread: float) -> tuple[Predictions, Groups]:
    """Photos of two classes, judged by a network that is a little too sure.

    Photos of a group are alike easy or hard.

    Args:
        generator: Source of the randomness.
        n_groups: Number of groups.
        each: Photos of each group.
        margin: Mean logit of the true class, in units of its spread over the photos of a group.
        spread: Standard deviation of the groups' own margins, in the same units.
    """
    group = np.repeat(np.arange(n_groups), each)
    labels = np.arange(len(group)) % 2
    logits = (2 * labels - 1) * (margin + generator.normal(0, spread, n_groups)[group]) + generator.normal(size=len(group))
    positive = 1 / (1 + np.exp(-3 * logits))
    return Predictions(np.arange(len(group)), labels, np.stack([1 - positive, positive], 1)), group.astype(str)


def truth(margin: float, spread: float) -> dict[str, float]:
    """The metrics of very many photos of very many groups."""
    crowd, _ = simulated(np.random.default_rng(99), 100_000, 4, margin, spread)
    return {name: score(crowd, name) for name in METRICS}


def coverage(n_groups: int, each: int, margin: float, spread: float, times: int) -> dict[str, float]:
    """Share of the intervals of each metric that cover the truth."""
    generator, expected = np.random.default_rng(0), truth(margin, spread)
    covered = dict.fromkeys(expected, 0)
    for _ in range(times):
        for name, estimate in estimates(*simulated(generator, n_groups, each, margin, spread)).items():
            covered[name] += covers(estimate, expected[name])
    return {name: count / times for name, count in covered.items()}


def covers(estimate: Estimate, value: float) -> bool:
    assert estimate.ends
    return estimate.ends[0] <= value <= estimate.ends[1]


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(("n_groups", "each", "spread"), [(15, 10, 0.5), (150, 1, 0.0)], ids=["groups", "single photos"])
def test_intervals_cover_the_truth_in_about_95_of_100_cases(n_groups: int, each: int, spread: float) -> None:
    for name, share in coverage(n_groups, each, 1.3, spread, times=600).items():
        assert 0.915 < share < (1 if name == "ece" else 0.98), name


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
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
    assert measured.pop("ece") > 0.93, "its interval may cover more"
    for name, share in measured.items():
        assert 0.93 < share < 0.97, name


def test_an_area_near_1_of_two_groups_that_differ_says_next_to_nothing() -> None:
    estimate = auroc_interval(np.array([0.999, 0.8, 1.0, 0.9, 1.0]), n_groups=2, n_pairs=100)
    assert (estimate.low, estimate.high) == (0.0, 1.0)


def test_the_mean_of_a_difference_over_few_groups() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 10)
    covered = [
        covers(estimate_mean(generator.normal(size=8)[group] + generator.normal(size=80), group.astype(str)), 0.0)
        for _ in range(600)
    ]
    assert 0.92 < np.mean(covered) < 0.98


@pytest.mark.parametrize(("right", "trials"), [(0, 5), (1, 1), (7, 10), (81, 263), (200, 200)])
def test_wilsons_interval_is_that_of_scipy(right: int, trials: int) -> None:
    expected = binomtest(right, trials).proportion_ci(method="wilson")
    estimate = wilson_interval(right / trials, trials)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((right / trials, expected.low, expected.high), abs=1e-6)


def test_four_photos_of_two_people_tell_less_than_four_of_four() -> None:
    two_people = estimate_share(np.array([True, True, False, False]), np.array(["a", "a", "b", "b"]))
    assert two_people.low is not None
    assert two_people.low < (wilson_interval(0.5, 4).low or 0)


def test_no_photos_have_no_share() -> None:
    assert estimate_share(np.zeros(0, dtype=bool), np.zeros(0, dtype=str)) == Estimate(None)
