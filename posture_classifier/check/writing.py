"""What ``check`` prints and writes: verdict, table, ``check.json``, and what to leave out."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from posture_classifier.check.finding import Finding, exit_code
from posture_classifier.check.run_checks import Result, run_checks
from posture_classifier.data.layout import Layout
from posture_classifier.data.photo_lists import describe_losses
from posture_classifier.rendering.translation import Translator
from posture_classifier.utils.console import say, say_command, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import write_rows
from posture_classifier.utils.text import plural, printable, shortlist

COLOURS = {"error": "red", "warning": "yellow", "note": "dim"}
COLUMNS = ["path", "kind", "severity", "reason"]
"""Columns of the list that ``data.exclude`` reads; it needs only the first."""


def check_aloud(
    root: Path,
    group_pattern: str | None = None,
    layout: Layout | None = None,
    language: str | None = None,
    table: Path | None = None,
) -> Result:
    """Look for every kind of fault in a folder, as ``run_checks`` does, and print what was found.

    The arguments are those of ``run_checks``, and the language of what is printed; None is that of
    the locale.

    Raises:
        UserError: There is no such folder, or no such language.
    """
    with Progress(console=terminal(), transient=True) as bar:
        task = bar.add_task(Translator(language).text("Checking photos"), total=None)
        result = run_checks(root, group_pattern, lambda done, n: bar.update(task, completed=done, total=n), layout, table)
    translator = Translator(language, result.names)
    if command := result.headline.command:
        say_command(translator.text(f"{result.headline.text}; use"), command)
    else:
        say(translator.text(result.headline.line))
    say(*map(translator.text, result.headline.notes))
    if result.findings:
        say(findings_table(result.findings, translator))
    say(translator.text(verdict(result)))
    return result


def verdict(result: Result) -> str:
    """Sum up the findings in one sentence."""
    counts = {severity: sum(f.severity == severity for f in result.findings) for severity in COLOURS}
    word = ("fine", "warnings", "errors")[exit_code(result.findings)]
    listing = ", ".join(plural(counts[name], name) for name in COLOURS)
    return f"{word}: {listing}; {plural(len(result.photos), 'photo')} of {plural(len(result.photos.classes), 'class', 'classes')}"


def findings_table(findings: list[Finding], translator: Translator) -> Table:
    """Make a table with a row for each finding, and a few of its photos.

    A kind is written as ``check.json`` names it, where it is not translated.
    """
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("", "kind", "what was found"):
        table.add_column(translator.text(title), overflow="fold")
    for finding in findings:
        text = Text(printable(translator.text(finding.text)))
        if finding.photos:
            clusters = [" = ".join(cluster[:4]) for cluster in finding.photos]
            text.append(f"\n{printable(translator.text(shortlist(clusters, 3)))}", style="dim")
        severity, kind = translator.text(finding.severity), translator.text(finding.kind)
        table.add_row(Text(severity, style=COLOURS[finding.severity]), kind, text)
    return table


def write_json(result: Result, path: Path) -> None:
    """Write ``check.json``: the verdict, the exit code, and every finding with all its photos."""
    photos = result.photos
    content: dict[str, Any] = {
        "headline": asdict(result.headline),
        "verdict": verdict(result),
        "exit_code": exit_code(result.findings),
        "root": str(photos.root),
        "table": None if photos.table is None else str(photos.table),
        "photos": len(photos),
        "classes": {name: int((photos.labels == label).sum()) for label, name in enumerate(photos.classes)},
        "findings": [asdict(finding) for finding in result.findings],
    }
    # Names that are not valid UTF-8 stay what they are, escaped.
    path.write_text(json.dumps(content, indent=1, ensure_ascii=True), encoding="utf-8")


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
