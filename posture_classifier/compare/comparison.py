"""Entries, their figures with intervals, and the verdict: all that tables, figures and pages show."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.compare.configurations import Entry
from posture_classifier.compare.costs import EntryCosts
from posture_classifier.compare.verdict import Verdict, judge
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import Bootstrap
from posture_classifier.utils.types import Floats


@dataclass(frozen=True)
class Comparison:
    """K entries on the same N photos, in the order in which they were given.

    Attributes:
        entries: K configurations.
        several: Of each entry, the predictions of each of its seeds.
        groups: (N,) names.
        grouped: Whether some photos share a group.
        estimates: Of each entry; for several seeds, the mean over them.
        of_networks: Of each entry, the metrics of each seed's network.
        expenses: Of each entry.
        verdict: By the metric that decides.
    """

    entries: list[Entry]
    several: list[list[Predictions]]
    groups: npt.NDArray[np.str_]
    grouped: bool
    estimates: list[dict[str, Estimate]]
    of_networks: list[dict[str, Floats]]
    expenses: list[EntryCosts]
    verdict: Verdict

    @classmethod
    def of(cls, entries: list[Entry], expenses: list[EntryCosts], metric: str) -> "Comparison":
        """Score the entries and test them against each other.

        Where runs name groups in different ways, the fewest groups count: a photo that somebody grouped is no witness of its own.

        Raises:
            UserError: The photos do not allow a verdict by the metric.
        """
        groups = min((run.tested.groups for entry in entries for run in entry.runs), key=lambda names: len(np.unique(names)))
        grouped = len(np.unique(groups)) < len(groups)
        several = [[run.tested.predictions for run in entry.runs] for entry in entries]
        bootstraps = [Bootstrap.of(networks, groups) for networks in several]
        verdict = judge(metric, several, bootstraps, grouped)
        estimates, of_networks = [b.estimates() for b in bootstraps], [b.of_networks for b in bootstraps]
        return cls(entries, several, groups, grouped, estimates, of_networks, expenses, verdict)

    @property
    def classes(self) -> list[str]:
        """Names in the order of the labels."""
        return self.entries[0].runs[0].tested.classes

    @property
    def paths(self) -> npt.NDArray[np.str_]:
        """(N,) of the photos."""
        return self.entries[0].runs[0].tested.paths

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """(N,) true classes."""
        return self.several[0][0].labels

    @property
    def right(self) -> Floats:
        """(K, N) share of an entry's networks that got a photo right."""
        return np.array([np.mean([p.predicted == p.labels for p in networks], axis=0) for networks in self.several])

    @property
    def names(self) -> list[str]:
        """Of the entries."""
        return [entry.name for entry in self.entries]

    @property
    def unit(self) -> str:
        """What is drawn anew: groups, or photos."""
        return "groups" if self.grouped else "photos"

    @property
    def n_groups(self) -> int:
        """Number of groups, or of photos where each stands alone."""
        return len(np.unique(self.groups))

    @property
    def chosen(self) -> int:
        """The entry that is recommended."""
        return self.verdict.cheapest([cost.multiply_adds for cost in self.expenses])
