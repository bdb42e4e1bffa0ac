"""Groups: whether photos of one group look alike, and what a random split would therefore hide."""

from typing import Any

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.digest_check import LARGE_GROUP
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.group_proposals import Grouping, Proposal, Proposals
from posture_classifier.data.folder import Photos
from posture_classifier.data.split import crossing_groups
from posture_classifier.utils.text import plural, shortlist

PROPOSALS = 3
"""Ways to group the photos that are shown."""
GROUPS = 4
"""Groups of each way whose photos are shown, the largest first; ``check.json`` has up to 50."""
GROUPS_IN_JSON = 50
EXAMPLES = 3
"""Photos shown of each group."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report on the groups that are given, or else on those that could be given."""
    if folder.proposals is None:
        return []
    if folder.photos.grouped:
        return [_given(folder.readable, folder.proposals), *_crossing(folder.photos)]
    return _proposed(folder.readable, folder.proposals)


def _given(readable: Photos, proposals: Proposals) -> Finding:
    names, sizes = np.unique(readable.groups, return_counts=True)
    (proposal,) = [*proposals.possible, *proposals.refused]
    share = float(sizes.max() / len(readable))
    text = f"{plural(len(names), 'group')} of {sizes.min()} to {plural(sizes.max(), 'photo')}. {_alike(proposal)}"
    severity: Severity = "note"
    if share > LARGE_GROUP and len(names) > 2:
        severity = "warning"
        text += f" {names[sizes.argmax()]} has {share:.0%} of all photos, so a split is hard to balance."
    values = _values(proposal) | {"groups": len(names), "largest_share": share}
    return Finding("groups", severity, text, values=values)


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


def _proposed(readable: Photos, proposals: Proposals) -> list[Finding]:
    """Show the ways to make groups, the best first, each with groups, their sizes and examples."""
    shown = [*proposals.possible, *proposals.refused][:PROPOSALS]
    if not shown:
        return []
    ways = "; or ".join(_describe(each.grouping) for each in shown)
    text = f"No groups are named, and photos look like others of their group: {ways}. {_alike(shown[0])}"
    examples = [
        (each.grouping, name, example_photos(readable, each.grouping, name))
        for each in shown
        for name in each.grouping.names[:GROUPS]
    ]
    values = _values(shown[0]) | {
        "proposal": shown[0].grouping.option,
        "groups": len(shown[0].grouping.names),
        "proposals": [_as_json(readable, each) for each in shown],
    }
    captions = [f"{name}: {plural(grouping.sizes[name], 'photo')} by {grouping.option}" for grouping, name, _ in examples]
    return [Finding("groups", "warning", text, [paths for *_, paths in examples], captions, values)]


def _describe(grouping: Grouping) -> str:
    """An option with what it makes: ``--data.group_by exif makes 2 groups (a 10, b 9)``."""
    sizes = [f"{name} {size}" for name, size in grouping.sizes.items()]
    return f"{grouping.option} makes {plural(len(sizes), 'group')} ({shortlist(sizes, 3)})"


def example_photos(photos: Photos, grouping: Grouping, name: str) -> list[str]:
    """The first, the middle and the last photo of a group."""
    rows = np.flatnonzero(grouping.groups == name)
    chosen = np.unique(np.linspace(0, len(rows) - 1, EXAMPLES).round().astype(np.int64))
    return photos.paths[rows[chosen]].tolist()


def _as_json(photos: Photos, proposal: Proposal) -> dict[str, Any]:
    grouping = proposal.grouping
    names = grouping.names[:GROUPS_IN_JSON]
    return {
        "option": grouping.option,
        "possible": proposal.command is not None,
        "groups": len(grouping.names),
        "sizes": {name: grouping.sizes[name] for name in names},
        "examples": {name: example_photos(photos, grouping, name) for name in names},
    }


def _alike(proposal: Proposal) -> str:
    nearest = proposal.nearest
    return (
        f"{nearest.in_group:.0%} of the photos look most like another one of their own group ({nearest.by_chance:.0%} by chance)."
    )


def _values(proposal: Proposal) -> dict[str, Any]:
    return {"nearest_in_group": proposal.nearest.in_group, "nearest_by_chance": proposal.nearest.by_chance}
