"""A comparison: configurations, their metrics with intervals, and the verdict."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.compare.configurations import Configuration
from posture_classifier.compare.costs import ConfigurationCosts
from posture_classifier.compare.verdict import Verdict, judge
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import Bootstrap
from posture_classifier.utils.types import Floats


@dataclass(frozen=True)
class Comparison:
    """K configurations on the same N photos, in the order in which they were given.

    Attributes:
        configurations: K configurations.
        predictions: Each configuration's predictions, by the network of each seed.
        groups: (N,) group of each photo.
        grouped: Whether some photos share a group.
        estimates: Each configuration's metrics; for several seeds, the mean over them.
        network_values: Each configuration's metrics by the network of each seed.
        costs: What each configuration costs.
        verdict: Ranking by the metric that decides.
    """

    configurations: list[Configuration]
    predictions: list[list[Predictions]]
    groups: npt.NDArray[np.str_]
    grouped: bool
    estimates: list[dict[str, Estimate]]
    network_values: list[dict[str, Floats]]
    costs: list[ConfigurationCosts]
    verdict: Verdict

    @classmethod
    def of(cls, configurations: list[Configuration], costs: list[ConfigurationCosts], metric: str, margin: float) -> "Comparison":
        """Compute the metrics of all configurations, and test them against each other.

        Where runs name groups in different ways, the fewest groups count: a photo that somebody
        grouped is not independent of the others.

        Raises:
            UserError: The photos do not allow a verdict by the metric.
        """
        runs = [run for configuration in configurations for run in configuration.runs]
        groups = min((run.tested.groups for run in runs), key=lambda names: len(np.unique(names)))
        grouped = len(np.unique(groups)) < len(groups)
        predictions = [[run.tested.predictions for run in configuration.runs] for configuration in configurations]
        bootstraps = [Bootstrap.of(networks, groups) for networks in predictions]
        verdict = judge(metric, predictions, bootstraps, grouped, margin)
        estimates = [bootstrap.estimates() for bootstrap in bootstraps]
        network_values = [bootstrap.network_values for bootstrap in bootstraps]
        return cls(configurations, predictions, groups, grouped, estimates, network_values, costs, verdict)

    @property
    def classes(self) -> list[str]:
        """Names in the order of the labels."""
        return self.configurations[0].runs[0].tested.classes

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) true classes."""
        return self.predictions[0][0].labels

    @property
    def right(self) -> Floats:
        """(K, N) share of a configuration's networks that got a photo right."""
        return np.array([np.mean([one.correct for one in networks], axis=0) for networks in self.predictions])

    @property
    def names(self) -> list[str]:
        """The configurations' names."""
        return [configuration.name for configuration in self.configurations]

    @property
    def unit(self) -> str:
        """What is resampled: groups, or photos."""
        return "groups" if self.grouped else "photos"

    @property
    def n_groups(self) -> int:
        """Number of groups, or of photos where each is its own group."""
        return len(np.unique(self.groups))

    @property
    def chosen(self) -> int | None:
        """Index of the configuration to take; None if it is alone, or none is good enough."""
        if len(self.configurations) == 1:
            return None
        return self.verdict.good_enough.cheapest([cost.multiply_adds for cost in self.costs])
