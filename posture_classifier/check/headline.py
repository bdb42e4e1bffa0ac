"""What to expect of a random split and of new people, and the command to use, in one sentence."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from posture_classifier.check.group_proposals import Proposal, Proposals
from posture_classifier.data.folder import Photos
from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.rendering.formatting import percent_interval
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.types import Ints

METHOD = (
    "Estimated by the class of the most similar photo, in features of a network that was trained on others; training may do better."
)


@dataclass(frozen=True)
class Headline:
    """One sentence, and the numbers behind it.

    Attributes:
        text: What to expect.
        notes: Further sentences.
        command: The command to use, as a shell takes it; None where ``fit`` would refuse any.
        values: ``random_split`` (a share), ``new_groups`` (``value``, ``low``, ``high``),
            ``photos`` and ``groups``; None where nothing can be estimated or no groups are known.
    """

    text: str
    notes: list[str] = field(default_factory=list)
    command: str | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """What to expect and the command to use, which can be copied from its end."""
        if self.command:
            return f"{self.text}; use: {self.command}"
        return f"{self.text}; no command is advised, since fit would refuse every split" if self.values else f"{self.text}."


def missing_facts(labels: Ints, class_names: list[str]) -> str | None:
    """What is missing for an estimate; None if nothing is.

    Args:
        labels: (N,) classes from 0 to C - 1, each of which occurs.
        class_names: C names.
    """
    if len(class_names) < 2:
        return "there are readable photos of one class only" if class_names else "no photo can be read"
    counts = np.bincount(labels)
    if counts.min() < 2:
        return f"class {class_names[int(counts.argmin())]} has only one photo that can be read"
    return None


def not_estimated(missing: str) -> Headline:
    """The headline of a folder of which nothing can be estimated."""
    return Headline(f"What to expect of a training cannot be estimated: {missing}")


def make_headline(photos: Photos, labels: Ints, proposals: Proposals) -> Headline:
    """Say what to expect, and which command to use.

    Args:
        photos: N photos that can be read.
        labels: (N,) classes from 0 to C - 1, with two photos each or more.
        proposals: The groups that are given, or that could be.
    """
    share = float(proposals.hits.mean())
    values: dict[str, Any] = {"random_split": share, "new_groups": None, "photos": len(photos), "groups": None}
    text = f"With a random split expect about {100 * share:.0f} % right"
    best = next(iter([*proposals.possible, *proposals.too_few]), None)
    if best is None:
        text += f" ({plural(len(photos), 'photo')}); of new people nothing is known, since no groups are named"
    else:
        estimate = estimate_share(best.nearest.hits, best.grouping.groups)
        values |= {"new_groups": vars(estimate), "groups": len(best.grouping.names)}
        text += f"; with {best.grouping.new} about {_describe(estimate, best, labels)}"
    command = proposals.ungrouped if best is None else best.command
    return Headline(text, [METHOD, *_too_few(proposals)], command, values)


def _describe(estimate: Estimate, best: Proposal, labels: Ints) -> str:
    interval = f"95 % interval {percent_interval(estimate.ends)}" if estimate.ends else "interval unknown"
    size = f"{plural(len(best.grouping.names), 'group')}, {plural(len(labels), 'photo')}"
    words = f"{100 * (estimate.value or 0):.0f} % ({interval}; {size})"
    commoner = float(np.bincount(labels).max() / len(labels))
    return words if (estimate.value or 0) > commoner else f"{words}, no better than always saying the commoner class"


def _too_few(proposals: Proposals) -> list[str]:
    """Say which names make groups that cannot be split."""
    return [
        f"{each.grouping.option} makes {plural(len(names), 'group')} ({shortlist(names, 3)}): too few to split by, so add some."
        for each in proposals.too_few[:1]
        if (names := each.grouping.names)
    ]
