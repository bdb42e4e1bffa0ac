"""``report.html``: a run on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.errors import UserError, sample
from posture_classifier.page import Section, contents, paragraph, write_page
from posture_classifier.report.background import check_section, facts_section, learning_section
from posture_classifier.report.photos import photos_section
from posture_classifier.report.probabilities import calibration_section, thresholds_section
from posture_classifier.report.result import groups_section, lead, result_section
from posture_classifier.report.run import Run, read_run, validation

NAME = "report.html"
RECALL = 0.95


def write_report(folder: Path, path: Path, recall: float = RECALL, caught: str | None = None) -> None:
    """Write the page of a run.

    Args:
        folder: Of the run.
        path: The page.
        recall: Share of a class that is to be caught, above 0, at most 1.
        caught: The class; None is the second of two, and of more every one in turn.

    Raises:
        UserError: There is no such finished run, or it has no such class.
    """
    run = read_run(folder)
    if caught is not None and caught not in run.classes:
        raise UserError(f"{folder} has no class {caught!r}; choose one of {sample(run.classes, 20)}")
    title = f"{run.root.name}: {', '.join(run.classes)}" if len(run.classes) < 4 else f"{run.root.name}, {len(run.classes)} classes"
    sections = _sections(run, recall, caught)
    head = paragraph(f"{run.summary['backbone']} in {run.name}", "muted") + lead(run) + contents(sections)
    write_page(path, title, head, sections)


def _sections(run: Run, recall: float, caught: str | None) -> list[Section]:
    not_tested = validation(run)
    return [
        result_section(run),
        groups_section(run),
        photos_section(run),
        thresholds_section(run, not_tested, recall, caught),
        calibration_section(run, not_tested),
        learning_section(run),
        facts_section(run),
        check_section(run),
    ]
