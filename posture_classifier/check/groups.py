"""Groups: whether photos of one look alike, and what a random split would therefore hide."""

import numpy as np

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.group_proposals import Proposal, propose
from posture_classifier.check.linear_probe import Ints, Sample
from posture_classifier.check.quick_check import LARGE
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.split import crossing_groups
from posture_classifier.utils.text import plural
from posture_classifier.utils.text import shortlist as some

ALIKE = 2.0
"""Times that the nearest photo is of the own group more often than it would be by chance, from which groups matter."""
SHARE = 0.1
"""Of the photos that must have their nearest in the own group, or be in a cluster of near-duplicates, for a warning."""


def group_findings(photos: Photos, scan: Scan, sample: Sample) -> list[Finding]:
    """On the given groups, or on those that could be given.

    Args:
        photos: All.
        scan: Of all.
        sample: The readable ones.
    """
    if len(sample.rows) < 3:
        return []
    readable = photos.select(sample.rows)
    if photos.grouped:
        return _given(photos, readable, sample) + _crossing(photos)
    findings: list[Finding] = []
    for proposal in propose(readable, [scan.facts[index] for index in sample.rows]):
        _, codes = np.unique(proposal.groups, return_inverse=True)
        if not findings and (finding := _proposed(proposal, _hidden(sample, codes.astype(np.int64)))):
            findings.append(finding)
    return findings or _clustered(readable, sample)


def _clustered(readable: Photos, sample: Sample) -> list[Finding]:
    """Near-duplicates as groups, where nothing else names any."""
    sizes = np.unique(sample.units, return_counts=True)[1]
    n = int(sizes[sizes > 1].sum())
    if n == 0 or readable.splits[0]:
        return []
    hidden = _hidden(sample, sample.units)
    text = (
        f"{plural(int((sizes > 1).sum()), 'cluster')} of near-duplicates with {n} photos of {len(readable)} in all, and no "
        f"groups are named: data.group_by cluster keeps each on one side of the split. {_sentence(hidden)}"
    )
    severity: Severity = "warning" if n >= SHARE * len(readable) else "note"
    return [Finding("groups", severity, text, values=hidden | {"proposal": "data.group_by cluster"})]


def _given(photos: Photos, readable: Photos, sample: Sample) -> list[Finding]:
    names, codes, sizes = np.unique(readable.groups, return_inverse=True, return_counts=True)
    hidden = _hidden(sample, codes.astype(np.int64))
    share = float(sizes.max() / len(readable))
    severity: Severity = "warning" if share > LARGE and len(names) > 2 else "note"
    text = f"{plural(len(names), 'group')} of {sizes.min()} to {sizes.max()} photos. {_sentence(hidden)}" + (
        f" {names[sizes.argmax()]} has {share:.0%} of all photos, so a split is hard to balance." if severity == "warning" else ""
    )
    return [Finding("groups", severity, text, values=hidden | {"groups": len(names), "largest_share": share})]


def _crossing(photos: Photos) -> list[Finding]:
    """Groups on two sides of the user's own split."""
    if not (crossing := crossing_groups(photos)):
        return []
    test = photos.splits == "test"
    values = {"groups": len(crossing)}
    share = f" ({np.isin(photos.groups[test], crossing).mean():.1%} of the test photos)" if test.any() else ""
    text = f"{plural(len(crossing), 'group is', 'groups are')} in more than one split{share}: {some(crossing)}. Move each into one."
    paths = [photos.paths[np.asarray(photos.groups) == group].tolist() for group in crossing]
    return [Finding("group_leaks", "error", text, paths, crossing, values)]


def _proposed(proposal: Proposal, hidden: dict[str, float]) -> Finding | None:
    n = len(np.unique(proposal.groups))
    matters = hidden["nearest_in_group"] >= max(SHARE, ALIKE * hidden["nearest_by_chance"])
    if not matters:
        return None
    option = f"{proposal.source} '{proposal.value}'" if proposal.source.startswith("--") else f"{proposal.source} {proposal.value}"
    names = some(sorted(set(proposal.groups.tolist())), 3)
    text = f"No groups are named, but {option} would make {n} of them ({names}). {_sentence(hidden)}"
    if proposal.undated:
        text += f" fit would refuse {plural(proposal.undated, 'photo')} without a date: leave them out with data.exclude."
    return Finding("groups", "warning", text, values=hidden | {"proposal": option, "groups": n})


def _sentence(hidden: dict[str, float]) -> str:
    return (
        f"{hidden['nearest_in_group']:.0%} of the photos look most like another one of their own group "
        f"({hidden['nearest_by_chance']:.0%} by chance). The class of the most similar photo is right for "
        f"{hidden['accuracy_random']:.0%} if that may be one of the own group, as in a random split, and for "
        f"{hidden['accuracy_honest']:.0%} if not."
    )


def _hidden(sample: Sample, groups: Ints) -> dict[str, float]:
    """Leave-one-out accuracy of the nearest neighbour, with and without the own group; and how often it is of the own group."""
    n, in_group, right, honest, has_other = len(groups), 0, 0, 0, 0
    for start in range(0, n, 512):
        stop = min(start + 512, n)
        cosine = sample.features[start:stop] @ sample.features.T
        cosine[np.arange(stop - start), np.arange(start, stop)] = -2
        own = groups[start:stop, None] == groups
        nearest = cosine.argmax(1)
        in_group += int((groups[nearest] == groups[start:stop]).sum())
        right += int((sample.labels[nearest] == sample.labels[start:stop]).sum())
        nearest = np.where(own, -2, cosine).argmax(1)
        others = ~own.all(1)
        honest += int(((sample.labels[nearest] == sample.labels[start:stop]) & others).sum())
        has_other += int(others.sum())
    sizes = np.unique(groups, return_counts=True)[1]
    by_chance = float((sizes * (sizes - 1)).sum() / max(1, n * (n - 1)))
    return {
        "nearest_in_group": in_group / n,
        "nearest_by_chance": by_chance,
        "accuracy_random": right / n,
        "accuracy_honest": honest / max(1, has_other),
    }
