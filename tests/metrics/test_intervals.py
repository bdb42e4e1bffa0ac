"""How often the intervals cover the truth, by simulation, with groups and with single photos."""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binomtest

from posture_classifier.metrics.intervals import Estimate, bounded_interval, estimate_mean, estimate_share, wilson_interval
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, estimates, score
from posture_classifier.metrics.witnesses import Witnesses

Groups = npt.NDArray[np.str_]
FRAMES = 20
"""Frames of a video that one scene lasts."""


class Photos(NamedTuple):
    """Kinds of photos that groups have.

    Attributes:
        each: Photos of each group.
        correlation: Share of the spread of a group's photos that frames of one scene have in
            common.
        one_class: Whether each group holds one class only, one after the other.
    """

    each: int
    correlation: float = 0.0
    one_class: bool = False


class Network(NamedTuple):
    """A network that is a little too sure.

    Attributes:
        margin: Mean logit of the true class, in units of its spread over the photos of a group.
        spread: Standard deviation of the groups' own margins, in the same units.
    """

    margin: float
    spread: float


VIDEO = Photos(200, correlation=0.7)
KINDS = {
    "photos of both classes": Photos(10),
    "photos of one class": Photos(10, one_class=True),
    "video of both classes": VIDEO,
    "video of one class": VIDEO._replace(one_class=True),
}
NETWORKS = {
    "0.52": Network(0.05, 0.7),
    "0.88": Network(1.3, 0.5),
    "0.82": Network(1.3, 1.0),
    "0.94": Network(2.2, 1.0),
    "0.98": Network(2.2, 0.5),
    "0.998": Network(3.2, 0.4),
}
"""By their accuracy on very many groups; where the spread is 1, that of groups varies much."""


def simulated(generator: np.random.Generator, n_groups: int, photos: Photos, network: Network) -> tuple[Predictions, Groups]:
    """Photos of two classes; those of a group are alike easy or hard, frames of a scene more so."""
    group = np.repeat(np.arange(n_groups), photos.each)
    labels = (group if photos.one_class else np.arange(len(group))) % 2
    noise = generator.normal(size=len(group)) * np.sqrt(1 - photos.correlation)
    if photos.correlation:
        scenes = generator.normal(size=-(-len(group) // FRAMES))
        noise += np.repeat(scenes, FRAMES)[: len(group)] * np.sqrt(photos.correlation)
    logits = (2 * labels - 1) * (network.margin + generator.normal(0, network.spread, n_groups)[group]) + noise
    positive = 1 / (1 + np.exp(-3 * logits))
    return Predictions(np.arange(len(group)), labels, np.stack([1 - positive, positive], 1)), group.astype(str)


@cache
def truth(network: Network) -> dict[str, float]:
    """The metrics of very many photos of very many groups."""
    crowd, _ = simulated(np.random.default_rng(99), 100_000, Photos(4), network)
    return {name: score(crowd, name) for name in METRICS}


def coverage(n_groups: int, photos: Photos, network: Network, times: int) -> dict[str, float]:
    """Share of the intervals of each metric that cover the truth; NaN where all are unknown."""
    generator, expected = np.random.default_rng(0), truth(network)
    covered: dict[str, list[bool]] = {name: [] for name in expected}
    for _ in range(times):
        for name, estimate in estimates(*simulated(generator, n_groups, photos, network)).items():
            if estimate.ends:
                covered[name].append(covers(estimate, expected[name]))
    return {name: float(np.mean(found)) if found else float("nan") for name, found in covered.items()}


def covers(estimate: Estimate, value: float) -> bool:
    assert estimate.ends
    return estimate.ends[0] <= value <= estimate.ends[1]


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(("n_groups", "each", "spread"), [(15, 10, 0.5), (150, 1, 0.0)], ids=["groups", "single photos"])
def test_intervals_cover_the_truth_in_about_95_of_100_cases(n_groups: int, each: int, spread: float) -> None:
    for name, share in coverage(n_groups, Photos(each), Network(1.3, spread), times=400).items():
        assert 0.915 < share < (0.98 if each == 1 and name != "ece" else 1.001), name


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("kind", ["video of both classes", "video of one class"])
def test_intervals_of_four_people_cover_the_truth(kind: str) -> None:
    assert min(coverage(4, KINDS[kind], NETWORKS["0.82"], times=100).values()) >= 0.93


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("n_groups", [1, 2, 3, 4, 6, 10])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
@pytest.mark.parametrize("photos", KINDS.values(), ids=KINDS)
def test_an_interval_that_is_printed_covers_the_truth(n_groups: int, network: Network, photos: Photos) -> None:
    """Four hundred simulations are sure to 0.026 (two standard deviations)."""
    for name, share in coverage(n_groups, photos, network, times=400).items():
        of_classes = name in ("balanced_accuracy", "macro_f1", "auroc")
        assert np.isnan(share) == (n_groups < (4 if photos.one_class and of_classes else 3)), name
        assert not share < 0.93 - 0.026, name


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(
    ("n_groups", "each", "network"),
    [
        (15, 10, Network(1.3, 0.3)),
        (15, 10, Network(1.3, 0.6)),
        (30, 10, Network(1.3, 0.5)),
        (72, 10, Network(1.3, 0.5)),
        (150, 1, Network(1.3, 0.0)),
        (400, 1, Network(1.6, 0.0)),
    ],
)
def test_coverage_is_between_93_and_97_percent(n_groups: int, each: int, network: Network) -> None:
    """But for 15 groups of photos that hardly resemble each other, where it may be more."""
    measured = coverage(n_groups, Photos(each), network, times=3000)
    assert measured.pop("ece") > 0.93, "its interval may cover more"
    for name, share in measured.items():
        assert 0.93 < share < (0.995 if n_groups == 15 else 0.97), name


def test_the_mean_of_a_difference_over_few_groups() -> None:
    generator = np.random.default_rng(0)
    group = np.repeat(np.arange(8), 10)
    covered = [
        covers(estimate_mean(generator.normal(size=8)[group] + generator.normal(size=80), group.astype(str)), 0.0)
        for _ in range(600)
    ]
    assert 0.92 < np.mean(covered) < 0.98


def test_ends_stay_within_the_range() -> None:
    """Three groups of which one fails altogether, and is sure of it."""
    values = np.random.default_rng(0).choice([0.0, 0.33, 0.67, 1.0], 400)
    values[0] = 0.33
    for largest in (1.0, 5.0):
        estimate = bounded_interval(values * largest, Witnesses.of_groups(np.arange(60) % 3), largest)
        assert estimate.ends
        assert 0 <= estimate.ends[0] < estimate.ends[1] <= largest


@pytest.mark.parametrize("sure", [0.55, 0.999])
def test_metrics_of_few_groups_end_within_their_ranges(sure: float) -> None:
    labels, group = np.arange(120) % 2, np.arange(120) // 40
    right = group > 0
    positive = np.where(right == (labels == 1), sure, 1 - sure)
    measured = estimates(Predictions(np.arange(120), labels, np.stack([1 - positive, positive], 1)), group.astype(str))
    for name, estimate in measured.items():
        assert estimate.ends
        assert 0 <= estimate.ends[0] <= estimate.ends[1] <= (27.7 if name == "log_loss" else 1), name


def test_models_that_agree_on_five_groups_may_differ_on_another() -> None:
    estimate = estimate_mean(np.zeros(50), np.repeat(np.arange(5), 10).astype(str))
    never = binomtest(0, 5).proportion_ci(method="wilson").high
    assert (estimate.low, estimate.high) == pytest.approx((-never, never), abs=1e-6)


@pytest.mark.parametrize(("right", "trials"), [(0, 5), (1, 1), (7, 10), (81, 263), (200, 200)])
def test_wilsons_interval_is_that_of_scipy(right: int, trials: int) -> None:
    expected = binomtest(right, trials).proportion_ci(method="wilson")
    estimate = wilson_interval(right / trials, trials)
    assert (estimate.value, estimate.low, estimate.high) == pytest.approx((right / trials, expected.low, expected.high), abs=1e-6)


def test_six_photos_of_three_people_tell_less_than_six_of_six() -> None:
    three_people = estimate_share(np.array([1, 1, 0, 0, 1, 1]) > 0, np.array(["a", "a", "b", "b", "c", "c"]))
    assert three_people.low is not None
    assert three_people.low < (wilson_interval(4 / 6, 6).low or 0)


def test_two_people_are_too_few() -> None:
    found = estimate_share(np.array([True, True, False, True]), np.array(["a", "a", "b", "b"]))
    assert found == Estimate(0.75, too_few="2 groups")
    assert estimate_mean(np.array([0.0, 1.0]), np.array(["a", "b"])) == Estimate(0.5, too_few="2 photos")


def test_no_photos_have_no_share() -> None:
    assert estimate_share(np.zeros(0, dtype=bool), np.zeros(0, dtype=str)) == Estimate(None)
