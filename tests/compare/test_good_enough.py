"""Recommendations: how often one is wrong, and what is said of too few people."""

from functools import cache

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from posture_classifier.compare.good_enough import GoodEnough, chance_level, find_good_enough
from posture_classifier.compare.verdict import judge
from posture_classifier.metrics.intervals import Estimate, bounded_interval, resample_weights
from posture_classifier.metrics.paired_tests import paired_bootstrap
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import Bootstrap
from posture_classifier.metrics.witnesses import Witnesses
from posture_classifier.utils.types import Floats

MARGIN = 0.02
PHOTOS = 10
SPREADS = {"hard for all alike": (1.0, 0.5), "hard for one entry": (0.0, 3.0)}
"""Standard deviations, on the scale of the logit, of how hard a group is for all entries, and for
one of them alone."""


@cache
def logit_in_the_middle(share: float, spread: float) -> float:
    """Logit of the middle group where this share of all photos of very many groups is right."""
    effects = np.random.default_rng(0).normal(0, spread, 100_000)
    return float(brentq(lambda place: expit(place + effects).mean() - share, -20, 20))


def accuracies_of_groups(
    generator: np.random.Generator, shares: list[float], n_groups: int, spread: tuple[float, float], each: int = PHOTOS
) -> Floats:
    """(K, G) accuracy of each entry in each group; ``shares`` are what it is in the long run."""
    common, own = spread
    logits = np.array([logit_in_the_middle(share, float(np.hypot(common, own))) for share in shares])
    place = logits[:, None] + generator.normal(0, common, n_groups) + generator.normal(0, own, (len(shares), n_groups))
    result: Floats = generator.binomial(each, expit(place)) / each
    return result


def decide(by_group: Floats, each: int = PHOTOS, chance: float = 0.5) -> GoodEnough:
    n_groups = by_group.shape[1]
    values = by_group @ resample_weights(n_groups, 0).T / n_groups
    order = np.argsort(-values[:, 0], kind="stable").tolist()
    estimates = [bounded_interval(row, Witnesses.of_groups(np.repeat(np.arange(n_groups), each))) for row in values]
    differences = paired_bootstrap(values, n_groups, [row[:1] for row in values])
    return find_good_enough("accuracy", order, estimates, differences, n_groups, chance, MARGIN)


def recommendations(n_entries: int, n_groups: int, spread: tuple[float, float], best: float, gap: float, times: int) -> Floats:
    """How often one that is worse by the gap is recommended, and how often the best is.

    All but the best are worse and cost less, so that one of them is taken wherever any passes.
    """
    generator, costs = np.random.default_rng(0), [n_entries, *range(1, n_entries)]
    shares = [best, *[best - gap] * (n_entries - 1)]
    found = np.zeros(2)
    for _ in range(times):
        taken = decide(accuracies_of_groups(generator, shares, n_groups, spread)).cheapest([*costs])
        found += [taken is not None and taken > 0, taken == 0]
    share: Floats = found / times
    return share


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("n_groups", [3, 4, 6, 15, 72])
@pytest.mark.parametrize("n_entries", [2, 3, 10])
@pytest.mark.parametrize("spread", SPREADS.values(), ids=SPREADS)
def test_of_twenty_recommendations_at_most_one_is_worse_than_the_margin(
    n_entries: int, n_groups: int, spread: tuple[float, float]
) -> None:
    """A thousand simulations are sure to 0.014 (two standard deviations)."""
    for best in (0.99, 0.9):
        wrong, _ = recommendations(n_entries, n_groups, spread, best, MARGIN + 0.001, times=1000)
        assert wrong <= 0.05 + 0.014, best


def test_a_network_at_chance_is_not_recommended_however_few_people_there_are() -> None:
    """The cheap one says nothing, and no test of a few groups tells it from the good one."""
    generator = np.random.default_rng(0)
    for n_groups in (2, 3, 4, 6, 15):
        by_group = np.stack([generator.binomial(24, 0.94, n_groups) / 24, np.full(n_groups, 0.5)])
        assert 1 not in decide(by_group, each=24).indices


@pytest.mark.parametrize("n_groups", [2, 3, 4])
def test_of_two_perfect_entries_few_people_show_neither(n_groups: int) -> None:
    found = decide(np.ones((2, n_groups)))
    assert found.indices == []
    assert found.more_groups is not None
    assert 30 < found.more_groups + n_groups < 100
    assert decide(np.ones((2, n_groups + found.more_groups))).indices == [0, 1]


def test_what_would_show_it_does() -> None:
    """The same accuracies of as many more people as are asked for."""
    generator = np.random.default_rng(1)
    by_group = generator.binomial(10, [[0.94], [0.92]], (2, 15)) / 10
    found = decide(by_group)
    assert found.indices == []
    assert found.more_groups is not None
    times = (15 + found.more_groups) / 15
    assert decide(np.tile(by_group, (1, int(np.ceil(times))))).indices[0] == 0
    assert 0 not in decide(np.tile(by_group, (1, max(1, int(times / 3))))).indices


def test_the_best_alone_is_recommended_if_it_is_far_ahead() -> None:
    by_group = np.stack([np.full(15, 0.95), np.full(15, 0.7), np.full(15, 0.6)])
    found = decide(by_group + np.random.default_rng(0).normal(0, 0.05, by_group.shape).clip(-0.05, 0.05))
    assert found.indices == [0]
    assert found.more_groups is None
    assert found.cheapest([9, 1, 1]) == 0


def test_nothing_is_recommended_that_may_be_no_better_than_the_commonest_class() -> None:
    by_group = np.stack([np.full(40, 0.8), np.full(40, 0.5)])
    by_group[0] += np.random.default_rng(0).normal(0, 0.1, 40)
    assert decide(by_group, chance=0.5).indices == [0]
    assert decide(by_group, chance=0.79).indices == []
    below = decide(by_group, chance=0.9)
    assert (below.indices, below.more_groups) == ([], None)


def test_of_several_good_enough_the_cheapest_is_taken() -> None:
    good = GoodEnough(MARGIN, 0.5, [2, 0], True, None)
    assert good.cheapest([1, 0, 5]) == 0
    assert good.cheapest([None, None, None]) == 2
    assert good.cheapest([None, 0, 5]) == 2
    assert GoodEnough(MARGIN, 0.5, [], False, 7).cheapest([1, 2, 3]) is None


@pytest.mark.parametrize(
    ("metric", "expected"), [("accuracy", 0.75), ("balanced_accuracy", 0.5), ("auroc", 0.5), ("log_loss", 0.5623), ("ece", 0)]
)
def test_chance_is_what_the_shares_of_the_classes_give(metric: str, expected: float) -> None:
    labels = np.repeat([0, 1], [75, 25])
    assert chance_level(metric, Predictions(np.arange(100), labels, np.eye(2)[labels])) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_the_direction_of_a_metric_counts(metric: str) -> None:
    """The same network but for its sharpness or its mistakes, on many single photos."""
    labels = np.arange(600) % 2
    sharp = np.where(np.arange(600)[:, None] % 20 == 0, 0.1, 0.9)
    dull = np.where(np.arange(600)[:, None] % 4 == 0, 0.4, 0.6)
    models = [[Predictions(np.arange(600), labels, np.where(labels[:, None] == [0, 1], one, 1 - one))] for one in (dull, sharp)]
    groups = np.arange(600).astype(str)
    verdict = judge(metric, models, [Bootstrap.of(one, groups) for one in models], grouped=False, margin=MARGIN)
    assert verdict.good_enough.indices == [1]


def test_an_unknown_interval_is_not_above_chance() -> None:
    differences = paired_bootstrap(np.full((2, 50), 0.9), 40, [np.array([0.9])] * 2)
    found = find_good_enough("accuracy", [0, 1], [Estimate(0.9)] * 2, differences, 40, 0.5, 0.2)
    assert found.indices == []
