"""The result of an audit: what is measured, and what must be said beside it."""

from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from posture_classifier.audit.foreign_predictions import ForeignPredictions
from posture_classifier.audit.leaks import Leaks
from posture_classifier.check.group_proposals import groupings_by_name
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.scores import METRICS, estimates
from posture_classifier.rendering.formatting import percent_estimate
from posture_classifier.runs.status import Status, find_status
from posture_classifier.utils.text import plural

SHOWN_GROUPS = 5
"""Groups that the terminal and ``summary.json`` name, the worst first."""
UNKNOWN = {
    "label": "The probabilities are not given",
    "confidence": "The probabilities of the other classes are not given",
}


@dataclass(frozen=True)
class Audit:
    """What is known of predictions; leaks are None where they could not be looked for."""

    predictions: ForeignPredictions
    leaks: Leaks | None
    seed: int = 0

    @cached_property
    def measured(self) -> dict[str, Estimate]:
        """The metrics that can be measured, with their intervals."""
        table = self.predictions.table
        return estimates(table.predictions, table.groups, self.seed)

    @cached_property
    def without_leaked(self) -> dict[str, Estimate]:
        """The metrics on the photos that did not leak; empty where none leaked, or all did."""
        if self.leaks is None or not self.leaks.leaked.any() or self.leaks.leaked.all():
            return {}
        table = self.predictions.table.select(~self.leaks.leaked)
        return estimates(table.predictions, table.groups, self.seed)

    @cached_property
    def size(self) -> dict[str, int | None]:
        """Number of photos and groups; None where no groups are named."""
        photos = self.predictions.photos
        return {"images": len(photos), "groups": len(photos.groups.unique()[0]) if photos.grouped else None}

    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds: the keys of a run's, and those of an audit."""
        table = self.predictions.table
        hardest = [{"group": name, "right": right, "images": n} for name, right, n in table.worst_groups()[:SHOWN_GROUPS]]
        leaks = self.leaks
        return {
            "split": "test",
            **self.size,
            **{name: asdict(estimate) for name, estimate in self.measured.items()},
            "classes": table.classes,
            "status": self.status,
            "seed": self.seed,
            "predictions": str(self.predictions.file),
            "root": str(self.predictions.photos.root),
            "known": table.predictions.known,
            **self.predictions.counts,
            "hardest_groups": hardest if self.size["groups"] else None,
            "leaks": None if leaks is None else leaks.counts | {"groups_on_both_sides": len(leaks.groups)},
            "without_leaked": {name: asdict(estimate) for name, estimate in self.without_leaked.items()} or None,
            "sentences": self.sentences(),
        }

    def sentences(self) -> list[str]:
        """All that must be said beside the figures."""
        return [*self.about_the_table(), *self.status.values(), *self.about_groups(), *self.about_leaks()]

    def about_the_table(self) -> list[str]:
        """What was read how, and what was not."""
        read, said = self.predictions, list(self.predictions.notes)
        if n := read.counts["without_prediction"]:
            said.append(f"{plural(n, 'photo')} of the folder {'has' if n == 1 else 'have'} no prediction, and no part in this.")
        if n := read.counts["without_photo"]:
            said.append(
                f"{plural(n, 'row names', 'rows name')} no photo of the folder, and {'is' if n == 1 else 'are'} passed over."
            )
        if n := read.counts["without_content"]:
            said.append(f"{plural(n, 'row has', 'rows have')} no prediction, and {'is' if n == 1 else 'are'} passed over.")
        if n := read.counts["repeated_rows"]:
            said.append(f"{plural(n, 'row repeats', 'rows repeat')} another, and {'counts' if n == 1 else 'count'} once.")
        if lacking := [metric.title for name, metric in METRICS.items() if name not in self.measured]:
            said.append(f"{UNKNOWN[read.table.predictions.known]}, so that there is no {' and no '.join(lacking)}.")
        return said

    @cached_property
    def status(self) -> Status:
        """What keeps the figures from saying how the network will do on new people."""
        table = self.predictions.table
        return find_status(table.predictions, list(table.classes), self.measured["accuracy"], self.size["groups"])

    def about_groups(self) -> list[str]:
        """Which groups the names suggest, where none are named."""
        photos = self.predictions.photos
        suggested = [] if photos.grouped else groupings_by_name(photos)
        several = (each for each in suggested if len(each.names) > len(photos.classes))
        return [f"The names suggest {len(each.names)} groups: {each.option}." for each in islice(several, 1)]

    def about_leaks(self) -> list[str]:
        """Which photos were trained on, and what is left without them."""
        if self.leaks is None:
            return ["Leaks were not looked for: --train_list names the photos that were trained on."]
        said = self.leaks.sentences()
        if self.without_leaked:
            n = int((~self.leaks.leaked).sum())
            said.append(f"On the other {plural(n, 'photo')}, {percent_estimate(self.without_leaked['accuracy'])} are right.")
        return said
