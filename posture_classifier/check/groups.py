"""Groups: whether photos of one group look alike, and what a random split would therefore hide."""

import numpy as np
import numpy.typing as npt

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.digest_check import LARGE_GROUP
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.group_proposals import Proposal, propose_groups
from posture_classifier.check.sample import Sample
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.similarity import similarity_blocks
from posture_classifier.data.split import crossing_groups
from posture_classifier.utils.text import plural, shortlist

ALIKE = 2.0
"""Groups matter if the nearest photo is of the own group this many times as often as by chance."""
SHARE = 0.1
"""Share of the photos with their nearest in the own group, or in a cluster of near-duplicates, from
which it is a warning."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report on the groups that are given, or else on those that could be given."""
    sample = folder.sample
    if len(sample.rows) < 3:
        return []
    readable = folder.readable
    if readable.grouped:
        return [_given(readable, sample), *_crossing(folder.photos)]
    for proposal in propose_groups(readable, [folder.scan.facts[index] for index in sample.rows]):
        nearest = nearest_photos(sample, proposal.groups)
        if nearest["nearest_in_group"] >= max(SHARE, ALIKE * nearest["nearest_by_chance"]):
            return [_proposed(proposal, nearest)]
    return _clustered(readable, sample)


def _given(readable: Photos, sample: Sample) -> Finding:
    names, sizes = np.unique(readable.groups, return_counts=True)
    nearest = nearest_photos(sample, np.asarray(readable.groups))
    share = float(sizes.max() / len(readable))
    text = f"{plural(len(names), 'group')} of {sizes.min()} to {plural(sizes.max(), 'photo')}. {_sentence(nearest)}"
    severity: Severity = "note"
    if share > LARGE_GROUP and len(names) > 2:
        severity = "warning"
        text += f" {names[sizes.argmax()]} has {share:.0%} of all photos, so a split is hard to balance."
    return Finding("groups", severity, text, values=nearest | {"groups": len(names), "largest_share": share})


def _crossing(photos: Photos) -> list[Finding]:
    """Report groups that are in more than one part of the user's own split."""
    if not (crossing := crossing_groups(photos)):
        return []
    test = photos.splits == "test"
    share = f" ({np.isin(photos.groups[test], crossing).mean():.1%} of the test photos)" if test.any() else ""
    number = plural(len(crossing), "group is", "groups are")
    text = f"{number} in more than one split{share}: {shortlist(crossing)}. Move each into one."
    paths = [photos.paths[np.asarray(photos.groups) == group].tolist() for group in crossing]
    return [Finding("group_leaks", "error", text, paths, crossing, {"groups": len(crossing)})]


def _proposed(proposal: Proposal, nearest: dict[str, float]) -> Finding:
    names = sorted(set(proposal.groups.tolist()))
    text = (
        f"No groups are named, but {proposal.option} would make {len(names)} of them ({shortlist(names, 3)}). {_sentence(nearest)}"
    )
    if proposal.undated:
        text += f" fit would refuse {plural(proposal.undated, 'photo')} without a date: leave them out with data.exclude."
    return Finding("groups", "warning", text, values=nearest | {"proposal": proposal.option, "groups": len(names)})


def _clustered(readable: Photos, sample: Sample) -> list[Finding]:
    """Propose clusters of near-duplicates as groups, where nothing else names any."""
    sizes = np.unique(sample.joined_groups, return_counts=True)[1]
    clusters = sizes[sizes > 1]
    if len(clusters) == 0 or readable.splits[0]:
        return []
    n = int(clusters.sum())
    nearest = nearest_photos(sample, sample.joined_groups)
    text = (
        f"{plural(len(clusters), 'cluster')} of near-duplicates with {n} photos of {len(readable)} in all, and no "
        f"groups are named: data.group_by cluster keeps each on one side of the split. {_sentence(nearest)}"
    )
    severity: Severity = "warning" if n >= SHARE * len(readable) else "note"
    return [Finding("groups", severity, text, values=nearest | {"proposal": "data.group_by cluster"})]


def _sentence(nearest: dict[str, float]) -> str:
    return (
        f"{nearest['nearest_in_group']:.0%} of the photos look most like another one of their own group "
        f"({nearest['nearest_by_chance']:.0%} by chance). The class of the most similar photo is right for "
        f"{nearest['accuracy_random']:.0%} if that may be one of the own group, as in a random split, and for "
        f"{nearest['accuracy_honest']:.0%} if not."
    )


def nearest_photos(sample: Sample, groups: npt.NDArray[np.generic]) -> dict[str, float]:
    """Compare each photo with the most similar one, to see what a random split would hide.

    Args:
        sample: N photos.
        groups: (N,) group of each photo.

    Returns:
        Shares of the photos: whose nearest photo is of the own group (``nearest_in_group``, and
        ``nearest_by_chance``), whose nearest photo has the right class (``accuracy_random``), and
        whose nearest photo of another group has (``accuracy_honest``).
    """
    _, codes, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    n, in_group, right, right_in_others, with_others = len(groups), 0, 0, 0, 0
    for rows, cosine in similarity_blocks(sample.features):
        labels, own = sample.labels[rows], codes[rows, None] == codes
        cosine[np.arange(len(rows)), rows] = -2  # a photo is not its own neighbour
        nearest = cosine.argmax(1)
        in_group += int((codes[nearest] == codes[rows]).sum())
        right += int((sample.labels[nearest] == labels).sum())
        cosine[own] = -2
        has_others = ~own.all(1)
        with_others += int(has_others.sum())
        right_in_others += int(((sample.labels[cosine.argmax(1)] == labels) & has_others).sum())
    return {
        "nearest_in_group": in_group / n,
        "nearest_by_chance": float((sizes * (sizes - 1)).sum() / (n * (n - 1))),
        "accuracy_random": right / n,
        "accuracy_honest": right_in_others / max(1, with_others),
    }
