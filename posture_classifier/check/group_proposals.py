"""Groups that file names, folders and cameras suggest, where nobody has named any."""

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos, group_name
from posture_classifier.data.layout import GROUP_WORDS
from posture_classifier.data.sessions import session_names
from posture_classifier.images.exif import Shot
from posture_classifier.images.facts import Facts
from posture_classifier.utils.text import normalise_name

FOLDERS = r"([^/]+)/[^/]+$"
"""Matches anna/IMG_0001.jpg; tried only where there are folders below those of the classes."""
PATTERNS = (
    rf"(?i)(?<![a-z])(?:{GROUP_WORDS})[-_ ]?\d+",  # subject-03_07.jpg
    r"(?<![A-Za-z0-9])[psvPSV]\d+(?=[-_])",  # s1_f00166.jpg
    r"(?<!\d)20\d\d[-_]?[01]\d[-_]?[0-3]\d(?!\d)",  # IMG_20210815_171500.jpg
    FOLDERS,
    r"([^/]*?[^/\d])[-_ ]*\d+\.[^./]+$",  # anna_01.jpg
)
"""Group patterns; the first are the most certain to name people or sessions."""
UNDATED = 0.1
"""Share of the photos that may lack a date, if sessions are to be made of dates."""


@dataclass(frozen=True)
class Proposal:
    """A way to group photos.

    Attributes:
        option: What to give to ``fit`` for these groups, such as ``data.group_by exif``.
        groups: (N,) name of each photo's group.
        undated: Number of photos without a date, which stand alone here, and which ``fit`` would
            refuse to group by date.
    """

    option: str
    groups: npt.NDArray[np.str_]
    undated: int = 0


def propose_groups(photos: Photos, facts: list[Facts]) -> list[Proposal]:
    """List the groupings that names and dates suggest and that can be split, most certain first."""
    paths = [normalise_name(path) for path in photos.paths.tolist()]
    depth = 2 if photos.splits[0] else 1
    proposals = []
    for pattern in (*_readable_pattern(paths[0]), *PATTERNS):
        if pattern == FOLDERS and any(path.count("/") <= depth for path in paths):
            continue
        matches = [re.search(pattern, path) for path in paths]
        groups = [group_name(match) for match in matches if match]
        if len(groups) == len(paths) and _could_be_split(photos, groups):
            proposals.append(Proposal(f"--group_pattern '{pattern}'", np.array(groups, dtype=np.str_)))
    names = session_names([Shot(fact.camera, fact.taken) for fact in facts])
    undated = names.count(None)
    sessions = [name or path for name, path in zip(names, paths, strict=True)]
    if undated <= UNDATED * len(paths) and _could_be_split(photos, sessions):
        proposals.append(Proposal("data.group_by exif", np.array(sessions, dtype=np.str_), undated))
    return proposals


def _readable_pattern(path: str) -> list[str]:
    r"""The first pattern with the only word that this path needs, such as ``subject-\d+``."""
    match = re.search(PATTERNS[0], path)
    return [re.sub(r"\d+", r"\\d+", match[0])] if match else []


def _could_be_split(photos: Photos, groups: list[str]) -> bool:
    """Whether there are groups of several photos, and more groups than classes."""
    sizes = Counter(groups)
    in_pairs = sum(size for size in sizes.values() if size > 1)
    return len(sizes) > max(2, len(photos.classes)) and in_pairs >= len(groups) / 2
