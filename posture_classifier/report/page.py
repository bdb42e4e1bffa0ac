"""``report.html``: a run on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.rendering.page import Section, write_page
from posture_classifier.report.blocks_section import blocks_section, not_measured_section
from posture_classifier.report.deleted_blocks import BLOCKS_CSV, can_delete_blocks, measure_deletions, write_deletions
from posture_classifier.report.finished_run import FinishedRun, read_finished_run, validation_predictions
from posture_classifier.report.photos_section import photos_section
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.provenance_section import check_section, learning_section, provenance_section
from posture_classifier.report.result_section import groups_section, lead, result_section
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

NAME = "report.html"
RECALL = 0.95


def write_report(folder: Path, path: Path, recall: float = RECALL, caught: str | None = None, blocks: bool = False) -> None:
    """Write the page of a run.

    Args:
        folder: Folder of the run.
        path: HTML file to write.
        recall: Share of a class that is to be caught, above 0, at most 1.
        caught: Class to catch; None takes the second of two classes, and of more every one in turn.
        blocks: Whether to delete each block of the network, and write ``blocks.csv`` beside the
            page.

    Raises:
        UserError: There is no such finished run, or it has no such class, or what deleting blocks
            takes is gone.
    """
    run = read_finished_run(folder)
    if caught is not None and caught not in run.classes:
        raise UserError(f"{folder} has no class {caught!r}; choose one of {shortlist(run.classes, 20)}")
    title = f"{run.root.name}: {', '.join(run.classes)}" if len(run.classes) < 4 else f"{run.root.name}, {len(run.classes)} classes"
    validation = validation_predictions(run)
    sections = [
        result_section(run),
        groups_section(run),
        photos_section(run),
        thresholds_section(run, validation, recall, caught),
        calibration_section(run, validation),
        *_blocks_sections(run, path.parent if blocks else None),
        learning_section(run),
        provenance_section(run),
        check_section(run),
    ]
    write_page(path, title, lead(run, sections), sections)


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
