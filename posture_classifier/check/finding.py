"""Findings: one for each kind of fault, with the photos that it is about."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Gravest first: an error makes training fail or its result false; a warning may; a note is for
information."""
BY_HARM = (
    # what makes a result false
    *("group_pattern", "leaks", "group_leaks", "scene_leaks", "groups"),
    # what teaches the network what is wrong
    *("contradictory_labels", "placeholders", "label_errors"),
    # what stops a training
    *("folder_layout", "unreadable"),
)
"""Kinds that stand before all others, and in this order."""
TRIFLES = ("wrong_suffix", "gps_position", "exif_rotated", "other_files", "hidden_files", "unchecked")
"""Kinds that stand after all others."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault in a folder.

    Attributes:
        kind: Name of the fault in ``check.json``, such as ``same_scene``, which is also the heading
            on the page.
        severity: ``error``, ``warning`` or ``note``.
        text: One sentence: what was found, how much of it, and what to do.
        photos: Relative paths: a list for each cluster, or a list of one for each single photo;
            worst first.
        captions: A caption for each list of ``photos``, or none at all.
        values: Numbers behind the sentence, as plain Python values.
        exclude: Paths that ``--fix_list`` suggests to leave out, each with the reason.
        examples: Paths of photos that show what the sentence says, by caption; nothing is wrong
            with any of them alone.
    """

    kind: str
    severity: Severity
    text: str
    photos: list[list[str]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    exclude: dict[str, str] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


def by_harm(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings: those to do something about, then notes; in both, the most harmful first."""

    def rank(finding: Finding) -> tuple[bool, int]:
        places = (*BY_HARM, "", *TRIFLES)
        kind = finding.kind if finding.kind in places else ""
        return finding.severity == "note", places.index(kind)

    return sorted(findings, key=rank)


def exit_code(findings: list[Finding]) -> int:
    """The exit code of ``check``: 0 if the folder is fine, 1 with warnings, 2 with errors."""
    severities = {finding.severity for finding in findings}
    return 2 if "error" in severities else 1 if "warning" in severities else 0
