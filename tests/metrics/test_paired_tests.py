"""Paired tests against scipy and closed forms, and how often they are wrong."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm, ttest_ind, ttest_rel

from posture_classifier.metrics import intervals
from posture_classifier.metrics.intervals import resample_weights
from posture_classifier.metrics.paired_tests import (
    additional_groups,
    holm,
    holm_against_best,
    mcnemar,
    paired_bootstrap,
    smallest_p,
)
from posture_classifier.utils.types import Floats


def test_mcnemar_is_the_binomial_test_of_the_photos_that_one_got_right() -> None:
    right = np.random.default_rng(0).random((4, 60)) < 0.8
    right[3] = right[2]
    p = mcnemar(right)
    for row in range(4):
        for column in range(4):
            only, other = int((right[row] & ~right[column]).sum()), int((~right[row] & right[column]).sum())
            expected = binomtest(only, only + other).pvalue if only + other else 1.0
            assert p[row, column] == pytest.approx(expected)


def test_holm_by_hand() -> None:
    """0.005 x 4, 0.01 x 3, 0.03 x 2, and 0.04 x 1 is not below the one before it."""
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.6, 0.9])).tolist() == [1, 1]


def resampled(scores: Floats) -> Floats:
    """A metric (K, 1 + R) that is the mean over groups of equal size, of scores (K, G)."""
    weights = resample_weights(scores.shape[1], 0)
    values: Floats = scores @ weights.T / weights.sum(1)
    return values


def test_with_groups_of_equal_size_it_is_the_paired_t_test() -> None:
    scores = np.random.default_rng(1).normal([[0.0], [0.4], [0.1]], 1, (3, 25))
    found = paired_bootstrap(resampled(scores), 25, [values[:1] for values in resampled(scores)])
    for row, column in ((0, 1), (0, 2), (1, 2)):
        expected = ttest_rel(scores[row], scores[column])
        assert found.values[row, column] == pytest.approx((scores[row] - scores[column]).mean())
        assert found.p[row, column] == pytest.approx(expected.pvalue, rel=0.1, abs=0.002)


def test_the_spread_of_seeds_is_part_of_the_error() -> None:
    """Where all groups are alike only the seeds are left, and the test is that of two samples."""
    seeds = [np.array([0.80, 0.84, 0.88]), np.array([0.90, 0.91, 0.98])]
    values = np.repeat([[s.mean()] for s in seeds], 1 + intervals.RESAMPLES, axis=1)
    assert paired_bootstrap(values, 30, seeds).p[0, 1] == pytest.approx(ttest_ind(*seeds).pvalue)


def test_few_groups_cannot_say_much() -> None:
    """Each of three groups by 0.1 in favour of one: what a coin says three times in a row."""
    scores = np.array([[0.9, 0.8, 0.7], [0.8, 0.7, 0.6]])
    found = paired_bootstrap(resampled(scores), 3, [values[:1] for values in scores])
    assert found.p[0, 1] == pytest.approx(smallest_p(3)) == 0.25
    equal = paired_bootstrap(resampled(scores[[0, 0]]), 3, [scores[0, :1]] * 2)
    assert equal.p.tolist() == [[1, 1], [1, 1]]


def test_how_many_groups_would_settle_it() -> None:
    needed = ((norm.ppf(0.975) + norm.ppf(0.8)) * 0.1 * np.sqrt(20) / 0.15) ** 2
    assert additional_groups(0.15, 0.1, 0.0, 20, level=0.025) == int(np.ceil(needed)) - 20
    assert additional_groups(0.15, 0.1, 0.0, 20, level=0.0025) > additional_groups(0.15, 0.1, 0.0, 20, level=0.025)  # type: ignore[operator]
    assert additional_groups(0.0, 0.1, 0.0, 20, level=0.025) is None
    assert additional_groups(0.02, 0.1, 0.02, 20, level=0.025) is None, "two seeds differ as much"


def false_alarms(n_models: int, n_groups: int, each: int, seeds: int, times: int) -> tuple[float, float]:
    """How often one of some equal models is called worse than the best.

    The first share is that with Holm's correction for all pairs, the second with one for the pairs
    of the best alone.

    Some groups are harder for all, and some for one of them; a network of another seed is a little
    better or worse.
    """
    generator, weights = np.random.default_rng(0), resample_weights(n_groups, 0)
    found = np.zeros(2)
    for _ in range(times):
        logit = 2 + generator.normal(0, 0.7, n_groups) + generator.normal(0, 0.5, (n_models, 1, n_groups))
        luck = generator.normal(0, 0.3 if seeds > 1 else 0, (n_models, seeds, 1))
        scores = generator.binomial(each, 1 / (1 + np.exp(-logit - luck))) / each
        values = scores.mean(1) @ weights.T / n_groups
        p, best = paired_bootstrap(values, n_groups, list(scores.mean(2))).p, int(values[:, 0].argmax())
        found += [(holm_against_best(p, best) < 0.05).any(), (holm(np.delete(p[best], best)) < 0.05).any()]
    return float(found[0] / times), float(found[1] / times)


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(("n_models", "n_groups", "each", "seeds"), [(5, 15, 10, 1), (5, 15, 10, 3), (4, 150, 1, 1)])
def test_of_a_thousand_ties_at_most_fifty_are_taken_for_a_difference(n_models: int, n_groups: int, each: int, seeds: int) -> None:
    assert false_alarms(n_models, n_groups, each, seeds, times=1000)[0] <= 0.05


@pytest.mark.slow
@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize(
    ("n_models", "n_groups", "each", "seeds"), [(10, 15, 10, 1), (10, 72, 10, 1), (3, 30, 5, 2), (10, 150, 1, 1)]
)
def test_ties_of_other_sizes(n_models: int, n_groups: int, each: int, seeds: int) -> None:
    assert false_alarms(n_models, n_groups, each, seeds, times=1000)[0] <= 0.05


def test_ties_on_single_photos_by_mcnemar() -> None:
    generator, found = np.random.default_rng(0), 0
    for _ in range(1000):
        right = generator.random((5, 150)) < generator.choice([0.6, 0.9, 0.99], 150)
        best = int(right.sum(1).argmax())
        found += bool((holm_against_best(mcnemar(right), best) < 0.05).any())
    assert found <= 50
