"""Findings: one for each kind of fault, with the photos that it is about."""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Gravest first: an error makes training fail or its result false; a warning may; a note is for
information."""


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
    """

    kind: str
    severity: Severity
    text: str
    photos: list[list[str]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    exclude: dict[str, str] = field(default_factory=dict)


def exit_code(findings: list[Finding]) -> int:
    """The exit code of ``check``: 0 if the folder is fine, 1 with warnings, 2 with errors."""
    severities = {finding.severity for finding in findings}
    return 2 if "error" in severities else 1 if "warning" in severities else 0
