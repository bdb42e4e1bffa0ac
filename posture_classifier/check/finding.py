"""What ``check`` has to say: one finding per kind of fault, with the photos that it is about."""

from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""An error makes training fail or its result false; a warning may; a note is for information."""


@dataclass(frozen=True)
class Finding:
    """One kind of fault in a folder.

    Attributes:
        kind: Its name in ``check.json``, such as ``same_scene``.
        severity: ``error``, ``warning`` or ``note``.
        text: One sentence: what was found, how much of it, and what to do.
        photos: Relative paths, one list for each cluster, or one of one for each single photo; worst first.
        captions: One for each list of ``photos``, or none at all.
        values: Figures behind the sentence, plain values only.
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
    """0 is fine, 1 has warnings, 2 has errors."""
    severities = {finding.severity for finding in findings}
    return 2 if "error" in severities else 1 if "warning" in severities else 0
