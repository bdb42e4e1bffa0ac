"""``report.html``: a run, or a cross-validation, on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.rendering.page import write_page
from posture_classifier.report.choice import Choice
from posture_classifier.report.finished_folds import is_cross_validation, read_finished_folds
from posture_classifier.report.finished_run import read_finished_run
from posture_classifier.report.folds_page import write_folds_report
from posture_classifier.report.photos_section import photos_section
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.provenance_section import check_section, learning_section, provenance_section
from posture_classifier.report.result_section import groups_section, lead, result_section

NAME = "report.html"
RECALL = 0.95


def write_report(folder: Path, path: Path, recall: float = RECALL, caught: str | None = None) -> None:
    """Write the page of a run, or of a cross-validation.

    Args:
        folder: Folder of either.
        path: HTML file to write.
        recall: Share of a class that is to be caught, above 0, at most 1.
        caught: Class to catch; None takes the second of two classes, and of more every one in turn.

    Raises:
        UserError: There is no such finished run, or it has no such class.
    """
    if is_cross_validation(folder):
        write_folds_report(read_finished_folds(folder), path, recall, caught)
        return
    run = read_finished_run(folder)
    run.check_class(caught)
    choice = Choice.by_validation(run)
    sections = [
        result_section(run),
        groups_section(run),
        photos_section(run),
        thresholds_section(run, choice, recall, caught),
        calibration_section(run, choice),
        learning_section(run),
        provenance_section(run),
        check_section(run),
    ]
    write_page(path, run.title, lead(run, sections), sections)
