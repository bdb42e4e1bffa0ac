"""``report.html``: a run, or a cross-validation, on one page, to be read and sent."""

from collections.abc import Sequence
from pathlib import Path

from posture_classifier.rendering.page import Section, write_page
from posture_classifier.rendering.translation import Translator
from posture_classifier.report.blocks_section import blocks_section, not_measured_section
from posture_classifier.report.deleted_blocks import BLOCKS_CSV, can_delete_blocks, measure_deletions, write_deletions
from posture_classifier.report.evaluated import Evaluated
from posture_classifier.report.finished_folds import FinishedFolds, is_cross_validation, read_finished_folds
from posture_classifier.report.finished_run import FinishedRun, choice_by_validation, read_finished_run
from posture_classifier.report.folds_sections import folds_section, origin_section
from posture_classifier.report.known_check import KnownCheck, read_known_check
from posture_classifier.report.next_photos_section import next_photos_section
from posture_classifier.report.next_step import next_step_section
from posture_classifier.report.photos_section import photos_section
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.provenance_section import check_section, learning_section, provenance_section
from posture_classifier.report.result_section import groups_section, lead, result_section
from posture_classifier.report.trust_section import folds_trust_section, trust_section
from posture_classifier.runs.choice import Choice
from posture_classifier.utils.errors import UserError

NAME = "report.html"
RECALL = 0.95


def write_report(
    folder: Path,
    path: Path,
    recall: float = RECALL,
    caught: str | None = None,
    blocks: bool = False,
    language: str | None = None,
) -> None:
    """Write the page of a run, or of a cross-validation.

    Args:
        folder: Folder of either.
        path: HTML file to write.
        recall: Share of a class that is to be caught, above 0, at most 1.
        caught: Class to catch; None takes every one in turn.
        blocks: Whether to delete each block of the network, and write ``blocks.csv`` beside the
            page.
        language: Language of the page, such as ``ko``; None is that of the locale, or English.

    Raises:
        UserError: There is no such finished run, or it has no such class, or what deleting blocks
            takes is gone; or there is no such language.
    """
    if is_cross_validation(folder):
        if blocks:
            raise UserError(f"--blocks true deletes blocks of one network; give the run of a fold, as {folder}/fold_0/version_0")
        write_folds_report(read_finished_folds(folder), path, recall, caught, language)
        return
    run = read_finished_run(folder)
    run.check_class(caught)
    choice, check = choice_by_validation(run), read_known_check(run)
    sections = [
        *_result_sections(run, choice, check, recall, caught),
        trust_section(run),
        *_blocks_sections(run, path.parent if blocks else None),
        learning_section(run),
        provenance_section(run),
        check_section(run, check),
        next_step_section(run, check),
    ]
    _write(run, sections, path, language)


def write_folds_report(
    folds: FinishedFolds, path: Path, recall: float, caught: str | None = None, language: str | None = None
) -> None:
    """Write the page of a cross-validation: ``write_report`` says what the arguments are.

    Thresholds and temperature are those that all photos choose; what they do is measured on each
    fold with those that the other folds choose.

    Raises:
        UserError: There is no such class, or no such language.
    """
    folds.check_class(caught)
    choice, check = Choice.by_other_folds(folds.evaluated), read_known_check(folds)
    sections = [
        *_result_sections(folds, choice, check, recall, caught),
        folds_trust_section(folds, choice),
        folds_section(folds),
        origin_section(folds),
        check_section(folds.runs.get(min(folds.runs, default=0)), check),
    ]
    _write(folds, sections, path, language)


def _result_sections(
    run: Evaluated, choice: Choice | None, check: KnownCheck | None, recall: float, caught: str | None
) -> list[Section]:
    return [
        result_section(run),
        groups_section(run),
        photos_section(run),
        next_photos_section(run, check),
        thresholds_section(run, choice, recall, caught),
        calibration_section(run, choice),
    ]


def _write(run: Evaluated, sections: Sequence[Section | None], path: Path, language: str | None) -> None:
    shown = [section for section in sections if section is not None]
    write_page(path, run.title, lead(run, shown), shown, Translator(language, run.names))


def _blocks_sections(run: FinishedRun, output: Path | None) -> list[Section]:
    """The section about blocks; none where it can't be measured. ``output`` is for the table."""
    if not can_delete_blocks(run):
        if output is not None:
            raise UserError(
                f"--blocks true needs {run.checkpoint} and the photos below {run.root}; put back what is missing, or leave it out"
            )
        return []
    if output is None:
        return [not_measured_section()]
    deletions = measure_deletions(run)
    write_deletions(deletions, output / BLOCKS_CSV)
    return [blocks_section(run, deletions)]
