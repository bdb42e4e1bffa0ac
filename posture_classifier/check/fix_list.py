"""The list of photos to leave out: certain things only, and not so many that the set changes."""

from pathlib import Path

import numpy as np

from posture_classifier.check.finding import Finding
from posture_classifier.check.run_checks import Result
from posture_classifier.data.exclusion import describe_losses
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import write_rows

COLUMNS = ["path", "kind", "severity", "reason"]
"""Columns of the list that ``data.exclude`` reads; it needs only the first."""


def write_fixes(result: Result, path: Path, anyway: bool = False) -> int:
    """Write the photos to leave out, each once with its most harmful reason; returns how many.

    With ``anyway``, also a list that takes many photos, or changes the classes of a group.

    Raises:
        UserError: The list would do that.
    """
    rows = _rows(result.findings)
    losses = describe_losses(result.photos, np.isin(result.photos.paths, list(rows)))
    if losses and not anyway:
        raise UserError(
            f"--fix_list {path} was not written, since it would leave out {'; '.join(losses)}. Look at these photos first "
            "(--output FOLDER shows them); --fix_list_anyway writes the list"
        )
    write_rows(list(rows.values()), COLUMNS, path)
    return len(rows)


def _rows(findings: list[Finding]) -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        for photo, reason in finding.exclude.items():
            rows.setdefault(photo, {"path": photo, "kind": finding.kind, "severity": finding.severity, "reason": reason})
    return rows
