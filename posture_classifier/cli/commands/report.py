"""``report``: a finished run or cross-validation on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder


def report(
    run: Path,
    output: Path | None = None,
    recall: float = 0.95,
    catch: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write report.html, one file: result, errors with pictures, thresholds, learning curves.

    Args:
        run: The folder of a finished run, lightning_logs/<experiment>/version_N, or of a
            cross-validation, lightning_logs/<experiment>/crossval_N.
        output: A folder for report.html, made if it is not there; by default the run's own.
        recall: Share of a class that an alarm should catch, above 0 and at most 1.
        catch: The class to be caught; by default the second of two, and of more every one in turn.
        overwrite: Replace the page if it exists.
    """
    if not 0 < recall <= 1:
        raise UserError(f"--recall is {recall}, but must be above 0 and at most 1")
    if not run.is_dir():
        raise UserError(f"{run} is not a folder; expected lightning_logs/<experiment>/version_N, or crossval_N of crossval")
    folder = output or run
    check_output_folder("--output", folder, overwrite=True)  # it may exist, a page in it may not
    if (folder / "report.html").exists() and not overwrite:
        raise UserError(f"{folder / 'report.html'} exists; choose another folder with --output, or add --overwrite true")
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.report.page import NAME, write_report

    folder.mkdir(exist_ok=True)
    write_report(run, folder / NAME, recall, catch)
    print(f"report: {folder / NAME}")
