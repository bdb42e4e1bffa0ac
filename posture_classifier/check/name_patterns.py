"""Patterns that file names and folders suggest for groups, written as a person would."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import group_name

PEOPLE = "subject|subj|sub|person|people|participant|patient|user|actor|member"
SESSIONS = "session|sess|scene|video|vid|clip|seq|take|part|group"
SEPARATORS = ("_", "-", " ", r"\.")
NAMED = 0.5
"""Least share of the photos whose names a pattern has to match; the others are a group, none."""
DIGIT = r"\d"
BLOCKS = 6
"""Fewest blocks of numbered frames: training, validation and testing need some each."""


@dataclass(frozen=True)
class NamePattern:
    """A regular expression that names groups.

    Attributes:
        pattern: The expression, as ``data.group_pattern`` takes it.
        new: What photos that come later belong to, such as ``new people``.
    """

    pattern: str
    new: str = "new groups"


def name_patterns(paths: list[str], depth: int) -> Iterator[NamePattern]:
    r"""Suggest patterns for these paths, the most certain first; some may make useless groups.

    Args:
        paths: Relative paths with forward slashes.
        depth: Number of folders that every path has: 1, or 2 below the user's own split.

    Example:
        >>> next(name_patterns(["normal/subject-01_1.jpg"], depth=1)).pattern
        'subject-\\d+'
    """
    yield from _with_number(paths, PEOPLE, "new people")
    yield from _with_number(paths, SESSIONS, "new sessions")
    if code := _search(r"/([psvPSV])\d+([-_])", paths):
        yield NamePattern(rf"/({code[1]}\d+){code[2]}")
    if all(path.count("/") > depth for path in paths):
        yield NamePattern(rf"^{'[^/]+/' * depth}([^/]+)/")
        yield NamePattern(r"([^/]+)/[^/]+$")
    yield from _dates(paths)
    for separator in SEPARATORS:  # anna_0001.jpg, min-jun_0001.jpg
        yield NamePattern(rf"([^/]+){separator}\d+\.")
    yield NamePattern(r"([^/\d]+)\d+\.")  # anna0001.jpg
    for separator in ("_", "-", " "):  # anna_normal_0001.jpg, webcam_anna_0001.jpg
        word = f"[^/{separator}]+"
        yield NamePattern(rf"/({word}){separator}[^/]*$")
        yield NamePattern(rf"/{word}{separator}({word}){separator}[^/]*$")


def _search(pattern: str, paths: list[str]) -> re.Match[str] | None:
    """The match in the first path that has one."""
    return next(filter(None, map(re.compile(pattern).search, paths)), None)


def _with_number(paths: list[str], words: str, new: str) -> Iterator[NamePattern]:
    r"""``subject-\d+``, where names have such a word and a number."""
    if match := _search(rf"(?i)(?<![a-z])(?:{words})[-_ ]?\d+", paths):
        yield NamePattern(re.sub(r"\d+", r"\\d+", match[0]), new)


def _dates(paths: list[str]) -> Iterator[NamePattern]:
    """Days, such as 20210815 or 2021-08-15."""
    if match := _search(r"(?<!\d)20\d\d([-_]?)[01]\d\1[0-3]\d(?!\d)", paths):
        yield NamePattern(rf"20\d\d{match[1]}\d\d{match[1]}\d\d" if match[1] else r"20\d{6}", "new days")


def block_patterns(paths: list[str]) -> Iterator[NamePattern]:
    r"""Blocks of 1,000, 100 or 10 successive frames, as ``([^/]+)\d\d\.`` makes of frame_0001.jpg.

    The numbers must have equally many digits, since ``9`` and ``10`` would otherwise lie far apart.
    """
    names = [match for path in paths if (match := re.search(r"([^/]*?)(\d+)\.[^./]+$", path))]
    digits = {len(match[2]) for match in names}
    if len(names) < len(paths) or len(digits) != 1:
        return
    for dropped in range(min(3, max(digits) - 1), 0, -1):
        if len({match[1] + match[2][:-dropped] for match in names}) >= BLOCKS:
            yield NamePattern(rf"([^/]+){DIGIT * dropped}\.", f"other blocks of {10**dropped} frames")


def groups_by(pattern: str, paths: list[str], least: float = NAMED) -> tuple[str, npt.NDArray[np.str_]] | None:
    """Apply a pattern; where it misses some names, let those be a group of their own.

    Returns:
        The pattern, with an end that matches every name if it needs one, and the name (N,) of each
        photo's group; None where it matches less than this share of the names.
    """
    expression = re.compile(pattern)
    matches = [expression.search(path) for path in paths]
    missed = sum(match is None for match in matches)
    if missed > (1 - least) * len(paths):
        return None
    if missed:
        pattern = rf"{pattern}|$"
        matches = [re.search(pattern, path) for path in paths]
    return pattern, np.array([group_name(match) for match in matches if match], dtype=np.str_)
