"""``report.html`` of a cross-validation: each photo is predicted by a network new to its group."""

from pathlib import Path

from posture_classifier.rendering.page import write_page
from posture_classifier.rendering.translation import Translator
from posture_classifier.report.finished_folds import FinishedFolds
from posture_classifier.report.folds_sections import folds_check_section, folds_section, origin_section
from posture_classifier.report.known_check import read_known_check
from posture_classifier.report.next_photos_section import next_photos_section
from posture_classifier.report.photos_section import photos_section
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.result_section import groups_section, lead, result_section
from posture_classifier.report.trust_section import folds_trust_section
from posture_classifier.runs.choice import Choice


def write_folds_report(
    folds: FinishedFolds, path: Path, recall: float, caught: str | None = None, language: str | None = None
) -> None:
    """Write the page of a cross-validation.

    Thresholds and temperature are those that all photos choose; what they do is measured on each
    fold with those that the other folds choose.

    Args:
        folds: The cross-validation.
        path: HTML file to write.
        recall: Share of a class that is to be caught, above 0, at most 1.
        caught: Class to catch; None takes every one in turn.
        language: Language of the page, such as ``ko``; None is that of the locale, or English.

    Raises:
        UserError: There is no such class, or no such language.
    """
    folds.check_class(caught)
    choice, check = Choice.by_other_folds(folds.evaluated), read_known_check(folds)
    listed = [
        result_section(folds),
        groups_section(folds),
        photos_section(folds),
        next_photos_section(folds, check),
        thresholds_section(folds, choice, recall, caught),
        calibration_section(folds, choice),
        folds_trust_section(folds, choice),
        folds_section(folds),
        origin_section(folds),
        folds_check_section(folds, check),
    ]
    sections = [section for section in listed if section is not None]
    write_page(path, folds.title, lead(folds, sections), sections, Translator(language, folds.names))
