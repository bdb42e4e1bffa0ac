"""Which entry is best, which cannot be told from it, and which of those to take."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.paired_tests import Differences, against_the_best, differences, least_p, mcnemar, more_groups
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import METRICS, Bootstrap
from posture_classifier.utils.errors import UserError

LEVEL = 0.05
Test = Literal["bootstrap", "mcnemar"]


@dataclass(frozen=True)
class Verdict:
    """Of K entries by one metric.

    Attributes:
        metric: That decides.
        best: Index of the best value.
        order: Indices from the best value to the worst.
        test: That decides: McNemar's where single photos are independent witnesses of single networks, or the bootstrap.
        differences: Of all pairs.
        mcnemar: (K, K) p-values of McNemar's test; None where entries have several seeds.
        p: (K,) Holm's p-values against the best.
        further: Groups or single photos that would tell each from the best; None where no number would, or none are needed.
        too_few: Whether so few groups can tell nobody from the best, whatever the figures.
    """

    metric: str
    best: int
    order: list[int]
    test: Test
    differences: Differences
    mcnemar: npt.NDArray[np.float64] | None
    p: npt.NDArray[np.float64]
    further: list[int | None]
    too_few: bool

    @property
    def tied(self) -> list[int]:
        """The best and those that cannot be told from it, the best value first."""
        return [index for index in self.order if self.p[index] >= LEVEL]

    def cheapest(self, multiply_adds: list[int | None]) -> int:
        """The entry to take: of the tied ones that with the fewest multiply-adds, None being most, and of equals the better."""
        return min(self.tied, key=lambda index: (multiply_adds[index] is None, multiply_adds[index] or 0))


def judge(metric: str, several: list[list[Predictions]], bootstraps: list[Bootstrap], grouped: bool) -> Verdict:
    """Find the best entry, and test all against it.

    Args:
        metric: One of ``METRICS``.
        several: Of each entry, the predictions of each of its seeds' networks, on the same photos.
        bootstraps: Of each entry, on the same draws.
        grouped: Whether photos come in groups, rather than each by itself.

    Raises:
        UserError: The photos do not define the metric, or are all of one group.
    """
    values = np.array([bootstrap.values[metric] for bootstrap in bootstraps])
    if np.isnan(values[:, 0]).any():
        raise UserError(f"--metric {metric} is not defined where all test photos are of one class; choose accuracy or log_loss")
    n_groups = bootstraps[0].n_groups
    if n_groups < 2:
        raise UserError("all test photos are of one group, which tells nothing of others; test on several groups")
    order = np.argsort(-values[:, 0] if METRICS[metric].higher_is_better else values[:, 0], kind="stable").tolist()
    found = differences(values, n_groups, [bootstrap.of_networks[metric] for bootstrap in bootstraps])
    exact = None
    if all(len(networks) == 1 for networks in several):
        exact = mcnemar(np.array([networks[0].predicted == networks[0].labels for networks in several]))
    test: Test = "bootstrap" if grouped or metric != "accuracy" or exact is None else "mcnemar"
    best, n_tests = order[0], max(1, len(several) * (len(several) - 1) // 2)
    p = against_the_best(found.p if test == "bootstrap" or exact is None else exact, best)
    further = [
        more_groups(found.values[best, other], found.over_groups[best, other], found.over_seeds[best, other], n_groups, n_tests)
        if other != best and p[other] >= LEVEL
        else None
        for other in range(len(several))
    ]
    too_few = test == "bootstrap" and len(several) > 1 and least_p(n_groups) * n_tests >= LEVEL
    return Verdict(metric, best, order, test, found, exact, p, further, too_few)
