"""Which configuration is best, and which do not differ significantly from it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from posture_classifier.compare.good_enough import GoodEnough, chance_level, find_good_enough
from posture_classifier.metrics.paired_tests import (
    ROUNDING_ERROR,
    Differences,
    additional_groups,
    holm_against_best,
    mcnemar,
    paired_bootstrap,
    smallest_p,
)
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, Bootstrap
from posture_classifier.utils.errors import UserError

LEVEL = 0.05
"""Significance level: a difference with a smaller p-value is significant."""
Test = Literal["bootstrap", "mcnemar"]


@dataclass(frozen=True)
class Verdict:
    """A ranking of K configurations by one metric, with tests of each against the best.

    Attributes:
        metric: Name of the metric that decides.
        best: Index of the best value.
        order: Indices from the best value to the worst.
        test: The test that decides: McNemar's where photos are independent and each configuration
            has one network, else the bootstrap.
        differences: Differences of all pairs, tested by the bootstrap.
        mcnemar: (K, K) p-values of McNemar's test; None where a configuration has several seeds.
        p: (K,) Holm's p-values against the best.
        additional_groups: Further groups or single photos that would make each one's difference
            from the best significant; None where no number would, or where it is significant
            already.
        too_few_groups: Whether there are so few groups that no difference could be significant.
        good_enough: Which are good enough to take.
    """

    metric: str
    best: int
    order: list[int]
    test: Test
    differences: Differences
    mcnemar: npt.NDArray[np.float64] | None
    p: npt.NDArray[np.float64]
    additional_groups: list[int | None]
    too_few_groups: bool
    good_enough: GoodEnough

    @property
    def level(self) -> list[int]:
        """Those with the best value, rounding apart."""
        return [index for index in self.order if abs(self.differences.values[self.best, index]) < ROUNDING_ERROR]

    @property
    def tied(self) -> list[int]:
        """The best and those that do not differ significantly from it, the best value first."""
        return [index for index in self.order if self.p[index] >= LEVEL]


def judge(metric: str, predictions: list[list[Predictions]], bootstraps: list[Bootstrap], grouped: bool, margin: float) -> Verdict:
    """Find the best configuration, test all against it, and find those that are good enough.

    Args:
        metric: One of ``METRICS``.
        predictions: Each configuration's predictions, by the network of each seed, on the same
            photos.
        bootstraps: Each configuration's metrics, on the same resamples.
        grouped: Whether some photos share a group.
        margin: How much worse than any other, in the unit of the metric, one may be to be taken.

    Raises:
        UserError: The photos do not define the metric, or are all of one group.
    """
    values = np.array([bootstrap.values[metric] for bootstrap in bootstraps])
    if np.isnan(values[:, 0]).any():
        defined = [name for name in METRICS if not any(np.isnan(bootstrap.values[name][0]) for bootstrap in bootstraps)]
        raise UserError(f"--metric {metric} is not defined for these test photos; choose one of {', '.join(defined)}")
    n_groups = bootstraps[0].n_groups
    if n_groups < 2:
        raise UserError("all test photos are of one group, which tells nothing of others; test on several groups")
    order = np.argsort(-values[:, 0] if METRICS[metric].higher_is_better else values[:, 0], kind="stable").tolist()
    differences = paired_bootstrap(values, n_groups, [bootstrap.network_values[metric] for bootstrap in bootstraps])
    exact = None
    if all(len(networks) == 1 for networks in predictions):
        exact = mcnemar(np.array([networks[0].correct for networks in predictions]))
    # McNemar's test is about shares of right photos, which is accuracy.
    test: Test = "bootstrap" if grouped or metric != "accuracy" or exact is None else "mcnemar"
    best, n_tests = order[0], max(1, len(predictions) * (len(predictions) - 1) // 2)
    p = holm_against_best(differences.p if test == "bootstrap" or exact is None else exact, best)
    additional = [
        additional_groups(
            differences.values[best, other],
            differences.group_errors[best, other],
            differences.seed_errors[best, other],
            n_groups,
            LEVEL / 2 / n_tests,
        )
        if other != best and p[other] >= LEVEL
        else None
        for other in range(len(predictions))
    ]
    too_few = test == "bootstrap" and len(predictions) > 1 and smallest_p(n_groups) * n_tests >= LEVEL
    estimates = [METRICS[metric].interval(bootstrap.values[metric], bootstrap) for bootstrap in bootstraps]
    chance = chance_level(metric, predictions[0][0])
    good_enough = find_good_enough(metric, order, estimates, differences, n_groups, chance, margin)
    return Verdict(metric, best, order, test, differences, exact, p, additional, too_few, good_enough)
