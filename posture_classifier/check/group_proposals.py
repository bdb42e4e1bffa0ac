"""Groups that file names, folders, dates and looks suggest, where nobody has named any."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from posture_classifier.check.commands import advise_command
from posture_classifier.check.name_patterns import block_patterns, groups_by, name_patterns
from posture_classifier.check.nearest import Nearest, find_nearest
from posture_classifier.data.folder import Photos, with_groups
from posture_classifier.data.scan.scan import Scan
from posture_classifier.data.scan.scene_groups import find_scenes
from posture_classifier.data.sessions import session_names
from posture_classifier.data.split import count_classes
from posture_classifier.images.exif import Shot
from posture_classifier.utils.text import normalise_name
from posture_classifier.utils.types import Ints

ALIKE = 2.0
"""Groups matter if the most similar photo is of the own group this many times as often as by
chance, or, where chance is large, halfway from it to always."""
SHARE = 0.1
"""Share of the photos with their most similar one in the own group, or that are near-duplicates of
an earlier one, from which groups matter."""
UNDATED = 0.1
"""Share of the photos that may lack a date, if sessions are to be made of dates."""
ACROSS_CLASSES = 0.5
"""Least share of the photos whose group has photos of other classes, too: what only repeats the
class, as in ``glass12.jpg``, is no person."""


@dataclass(frozen=True)
class Grouping:
    """A way to group N photos.

    Attributes:
        options: The options of ``fit`` that make these groups; none where each photo is its own.
        groups: (N,) name of each photo's group.
        new: What later photos belong to, such as ``new people``.
        named: Whether names or dates make the groups, not looks or numbers of frames.
        undated: Number of photos without a date, each a group here, which ``fit`` would refuse.
    """

    options: tuple[str, ...]
    groups: npt.NDArray[np.str_]
    new: str = "new groups"
    named: bool = True
    undated: int = 0

    @property
    def option(self) -> str:
        """The options as a shell takes them."""
        return shlex.join(self.options)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Number of photos in each group, the largest first."""
        return dict(Counter(sorted(self.groups.tolist())).most_common())

    @property
    def names(self) -> list[str]:
        """The names of the groups, the largest first."""
        return list(self.sizes)


@dataclass(frozen=True)
class Proposal:
    """A grouping that matters, since photos look like others of their group.

    ``fit`` or ``crossval`` takes the command; it is None if they refuse these groups.
    """

    grouping: Grouping
    nearest: Nearest
    command: str | None


@dataclass(frozen=True)
class Proposals:
    """What to make groups of.

    Attributes:
        possible: Proposals with a command, the best first.
        refused: Proposals without one.
        ungrouped: The command that takes each photo for a group; None if that is refused, too, or
            if there are proposals.
        clustered: Share of the photos that are near-duplicates of an earlier one; 0 where there
            are proposals.
    """

    possible: list[Proposal]
    refused: list[Proposal]
    ungrouped: str | None = None
    clustered: float = 0.0

    @property
    def best(self) -> Proposal | None:
        """The first proposal, possible if one is."""
        return next(iter([*self.possible, *self.refused]), None)


def given_groups(photos: Photos, scan: Scan, labels: Ints, grouping: Grouping, more: tuple[str, ...]) -> Proposals:
    """The one way to group photos that the user has chosen, whether it matters or not."""
    (nearest,) = find_nearest(scan.features, labels, [_codes(grouping)])
    proposal = _propose(photos, grouping, nearest, more)
    return Proposals([proposal], []) if proposal.command else Proposals([], [proposal])


def propose_groups(
    photos: Photos, scan: Scan, labels: Ints, near_duplicates: Callable[[], Ints], more: tuple[str, ...]
) -> Proposals:
    """List the groupings that matter, the most certain first.

    Blocks of frames and scenes are proposed only where names and dates make no groups.

    Args:
        photos: N photos, all of which can be read.
        scan: What was read of them.
        labels: (N,) classes from 0 to C - 1, each of which occurs.
        near_duplicates: Finds the cluster (N,) of near-duplicates that each photo is in, by the
            lowest index of its photos; called only where it matters.
        more: Options that every command needs, such as ``--data.exclude``.
    """
    paths = [normalise_name(path) for path in photos.paths.tolist()]
    named = _coarser_first([*_by_name(paths, 2 if photos.splits[0] else 1), *_by_date(paths, scan)])
    nearest = find_nearest(scan.features, labels, [_codes(each) for each in named])
    proposals = [_propose(photos, *each, more) for each in zip(named, nearest, strict=True) if _matters(each[1])]
    alike = 0.0
    if not any(each.command for each in proposals):
        clusters = near_duplicates()
        _, sizes = np.unique(clusters, return_counts=True)
        alike = float((sizes - 1).sum() / len(paths))
        looks = [*_by_blocks(paths), *(_by_scene(paths, scan, clusters) if alike >= SHARE else ())]
        nearest = find_nearest(scan.features, labels, [_codes(each) for each in looks])
        found = [_propose(photos, *each, more) for each in zip(looks, nearest, strict=True) if _matters(each[1])]
        proposals += sorted(found, key=lambda each: -each.nearest.in_group)
    if not proposals:
        return Proposals([], [], advise_command(photos, more), alike)
    possible, refused = ([each for each in proposals if bool(each.command) is has] for has in (True, False))
    return Proposals(possible, refused)


def _codes(grouping: Grouping) -> Ints:
    return np.unique(grouping.groups, return_inverse=True)[1].astype(np.int64)


def _coarser_first(groupings: list[Grouping]) -> list[Grouping]:
    """Put the people before their recordings; otherwise the order stays.

    Where groups lie within those of another way, whose groups photos share too, these are the ones
    that keep apart what has to be.
    """
    codes = [_codes(each) for each in groupings]
    sizes = [len(np.unique(each)) for each in codes]

    def enclosing(own: int) -> int:
        pairs = [len(np.unique(codes[own] * sizes[other] + codes[other])) for other in range(len(codes))]
        return sum(sizes[other] < sizes[own] == pairs[other] for other in range(len(codes)))

    return [groupings[index] for index in sorted(range(len(groupings)), key=enclosing)]


def _matters(nearest: Nearest) -> bool:
    chance = nearest.by_chance
    return chance < 1 and nearest.in_group >= max(SHARE, min(ALIKE * chance, (1 + chance) / 2))


def _propose(photos: Photos, grouping: Grouping, nearest: Nearest, more: tuple[str, ...]) -> Proposal:
    grouped = with_groups(photos, grouping.groups)
    return Proposal(grouping, nearest, None if grouping.undated else advise_command(grouped, (*grouping.options, *more)))


def groupings_by_name(photos: Photos) -> list[Grouping]:
    """Ways to group photos that their names alone suggest, whether these groups matter or not."""
    return _coarser_first(_by_name(list(map(normalise_name, photos.paths)), 2 if photos.splits[0] else 1))


def _by_name(paths: list[str], depth: int) -> list[Grouping]:
    """Groupings by patterns, each division of the photos once, by the most certain pattern."""
    found: dict[bytes, Grouping] = {}
    for each in name_patterns(paths, depth):
        if made := groups_by(each.pattern, paths):
            pattern, groups = made
            if _are_several(groups):
                found.setdefault(_division(groups), Grouping(("--data.group_pattern", pattern), groups, each.new))
    return list(found.values())


def _division(groups: npt.NDArray[np.str_]) -> bytes:
    """The same for groups of the same photos, whatever they are called."""
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    return first[codes].tobytes()


def _are_several(groups: npt.NDArray[np.str_]) -> bool:
    """Whether there are two groups or more, and half of the photos are not alone in theirs."""
    _, sizes = np.unique(groups, return_counts=True)
    return len(sizes) > 1 and int(sizes[sizes > 1].sum()) >= len(groups) / 2


def _by_date(paths: list[str], scan: Scan) -> Iterator[Grouping]:
    """Sessions, where nearly all photos have a date."""
    names = session_names([Shot(fact.camera, fact.taken) for fact in scan.facts])
    groups = np.array([name or path for name, path in zip(names, paths, strict=True)], dtype=np.str_)
    if (undated := names.count(None)) <= UNDATED * len(names) and _are_several(groups):
        yield Grouping(("--data.group_by", "exif"), groups, "new sessions", undated=undated)


def _by_blocks(paths: list[str]) -> Iterator[Grouping]:
    for each in block_patterns(paths):
        if (made := groups_by(each.pattern, paths)) and _are_several(made[1]):
            yield Grouping(("--data.group_pattern", made[0]), made[1], each.new, named=False)


def _by_scene(paths: list[str], scan: Scan, clusters: Ints) -> Iterator[Grouping]:
    groups = np.array(paths, dtype=np.str_)[find_scenes(scan, clusters)]
    if len(set(groups.tolist())) > 1:
        yield Grouping(("--data.group_by", "cluster"), groups, "new scenes", named=False)


def suggested_groups(photos: Photos) -> Grouping | None:
    r"""The most certain groups that names suggest where photos have none; no file is read.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> suggested_groups(read_folder("photos")).option
        "--data.group_pattern 'person\\d+'"
    """
    return next((each for each in groupings_by_name(photos) if _share_across_classes(each, photos) >= ACROSS_CLASSES), None)


def _share_across_classes(grouping: Grouping, photos: Photos) -> float:
    _, codes = np.unique(grouping.groups, return_inverse=True)
    counts = count_classes(codes, photos.labels, (codes.max() + 1, len(photos.classes)))
    return float(((counts > 0).sum(1) > 1)[codes].mean())
