"""What to expect of a random split and of new people, and the command to use, in one sentence."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.cache.directory import cache_directory
from posture_classifier.check.group_proposals import SHARE, Grouping, Proposal, Proposals, given_groups, propose_groups
from posture_classifier.check.group_ridge import GroupRidge, head_features
from posture_classifier.data.folder import Photos, with_groups
from posture_classifier.data.scan.cache import FILE_NAME, ScanCache
from posture_classifier.data.scan.near_duplicates import connect, find_links
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.scan.similarity import Features
from posture_classifier.data.split import crossing_groups, groups_per_class
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import Facts
from posture_classifier.metrics.intervals import Estimate, estimate_share
from posture_classifier.rendering.formatting import percent_interval
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.types import Ints

METHOD = "Estimated by a linear head on a frozen network; a network that is trained on the photos may do better."
MOST_PHOTOS = 3000
"""Photos from which ``fit`` would begin noticeably later."""


@dataclass(frozen=True)
class Headline:
    """One sentence, and the numbers behind it.

    Attributes:
        text: What to expect.
        notes: Further sentences.
        command: The command to use, as a shell takes it; None where ``fit`` would refuse any.
        refusal: Why there is no command.
        values: ``random_split`` (a share), ``new_groups`` (``value``, ``low``, ``high``),
            ``photos`` and ``groups``; None where no groups are known, and empty where nothing
            can be estimated.
    """

    text: str
    notes: list[str] = field(default_factory=list)
    command: str | None = None
    refusal: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def line(self) -> str:
        """What to expect and the command to use, which can be copied from its end."""
        if self.command:
            return f"{self.text}; use: {self.command}"
        return f"{self.text}; no command is advised: {self.refusal}" if self.refusal else f"{self.text}."


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


def make_headline(photos: Photos, features: Features, labels: Ints, proposals: Proposals) -> Headline:
    """Say what to expect, and which command to use.

    Args:
        photos: N photos that can be read.
        features: (N, D) their features, as ``head_features`` gives them.
        labels: (N,) classes from 0 to C - 1, with two photos each or more.
        proposals: The groups that are given, or that could be.
    """
    photos = replace(photos, classes=tuple(photos.classes[label] for label in np.unique(photos.labels)), labels=labels)
    best = proposals.best
    n_groups = len(best.grouping.names) if best else len(photos)
    share = float(_hits(features, labels, np.arange(len(photos))).mean())
    values: dict[str, Any] = {"random_split": share, "new_groups": None, "photos": len(photos), "groups": None}
    text = f"With a random split expect about {100 * share:.0f} % right"
    if best is None:
        text += f" ({plural(len(photos), 'photo')}); of new people nothing is known, since no groups are named"
        command, refusal = _without_groups(photos, proposals)
    else:
        groups = best.grouping.groups
        estimate = estimate_share(_hits(features, labels, groups), groups) if n_groups > 1 else Estimate(None)
        values |= {"new_groups": vars(estimate), "groups": n_groups}
        text += f"; with {best.grouping.new} about {_describe(estimate, best, labels)}"
        command, refusal = best.command, "" if best.command else why_refused(photos, best)
    return Headline(text, [METHOD, *_notes(photos, proposals)], command, refusal, values)


def _hits(features: Features, labels: Ints, groups: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Whether each photo's class is found by a linear head that has not seen its group."""
    ridge = GroupRidge(features, np.unique(groups, return_inverse=True)[1])
    (scores,) = ridge.class_scores([labels], int(labels.max()) + 1)
    hits: npt.NDArray[np.bool_] = scores.argmax(1) == labels
    return hits


def _without_groups(photos: Photos, proposals: Proposals) -> tuple[str | None, str]:
    """The command where nothing makes groups, or why there is none."""
    if proposals.clustered >= SHARE:
        return None, (
            f"{100 * proposals.clustered:.0f} % of the photos are near-duplicates of others, and neither names, dates nor looks "
            "make groups that could be split; give each person's or recording's files a name of their own"
        )
    return proposals.ungrouped, "" if proposals.ungrouped else _too_few(photos, "photo")


def why_refused(photos: Photos, proposal: Proposal) -> str:
    """Say why ``fit`` and ``crossval`` would refuse photos with these groups."""
    grouping = proposal.grouping
    grouped = with_groups(photos, grouping.groups)
    if grouping.undated:
        return f"{plural(grouping.undated, 'photo has', 'photos have')} no date; leave them out with --data.exclude"
    if crossing := crossing_groups(grouped):
        number = plural(len(crossing), "group is", "groups are")
        return f"{number} in more than one folder of your own split ({shortlist(crossing, 3)}); move each into one"
    return _too_few(grouped, "group")


def _too_few(photos: Photos, unit: str) -> str:
    counts = groups_per_class(photos)
    rarest = int(np.argmin(counts))
    return (
        f"class {photos.classes[rarest]} occurs in {plural(counts[rarest], unit)}, too few for training, validation and testing to "
        f"have some of every class; add {unit}s"
    )


def _notes(photos: Photos, proposals: Proposals) -> list[str]:
    """What else there is to know of the best groups, and of better ones that are refused."""
    notes = []
    if proposals.possible and not proposals.possible[0].grouping.named:
        notes.append("Of new people nothing is known, since neither names nor dates make groups that can be split.")
        for each in proposals.refused[:1]:
            grouping = each.grouping
            names = f"{plural(len(grouping.names), 'group')} ({shortlist(grouping.names, 3)})"
            notes.append(f"{grouping.option} makes {names}, but {why_refused(photos, each)}.")
    return notes


def _describe(estimate: Estimate, best: Proposal, labels: Ints) -> str:
    size = f"{plural(len(best.grouping.names), 'group')}, {plural(len(labels), 'photo')}"
    if estimate.value is None:
        return f"an unknown share ({size})"
    interval = f"95 % interval {percent_interval(estimate.ends)}" if estimate.ends else "interval unknown"
    words = f"{100 * estimate.value:.0f} % ({interval}; {size})"
    commoner = float(np.bincount(labels).max() / len(labels))
    return words if estimate.value > commoner else f"{words}, no better than always saying the commoner class"


def cached_headline(
    photos: Photos, digests: Ints, white: WhiteLevels, grouping: tuple[str, ...], more: tuple[str, ...]
) -> Headline | None:
    """Make the headline from what an earlier ``check`` has read of the photos.

    Args:
        photos: N photos with their groups; ``splits`` are the user's own, or empty.
        digests: (N,) digest of each file; 0 where it cannot be read.
        white: The values that are white in photos of more than 8 bits.
        grouping: The options that made the groups; empty if none did.
        more: The other options that choose photos, such as ``--data.exclude``.

    Returns:
        None where there are too many photos, one that was not scanned, or too few of a class.
    """
    if len(photos) > MOST_PHOTOS or missing_facts(photos.labels, list(photos.classes)):
        return None
    scan = _cached_scan(digests, white)
    if scan is None:
        return None
    if photos.grouped:
        proposals = given_groups(photos, scan, photos.labels, Grouping(grouping, np.asarray(photos.groups)), more)
    else:

        def near_duplicates() -> Ints:
            return connect(len(photos), [(link.first, link.second) for link in find_links(scan)])

        proposals = propose_groups(photos, scan, photos.labels, near_duplicates, more)
    return make_headline(photos, head_features(scan.features, scan.stages), photos.labels, proposals)


def _cached_scan(digests: Ints, white: WhiteLevels) -> Scan | None:
    """What is cached of all photos; None if one is missing. Nothing is written."""
    if not (cache_directory() / FILE_NAME).is_file():
        return None
    found = []
    with ScanCache(white) as cache:
        for digest in digests.tolist():
            if digest == 0 or (entry := cache.get(Facts(None, digest))) is None:
                return None
            found.append(entry)
    last, stages = (np.stack(part) for part in zip(*(features for _, features in found), strict=True))
    return Scan([facts for facts, _ in found], last, stages=stages)
