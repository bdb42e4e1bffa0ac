"""``report``: a finished run on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder


def report(
    run: Path,
    output: Path | None = None,
    recall: float = 0.95,
    catch: str | None = None,
    blocks: bool = False,
    overwrite: bool = False,
) -> None:
    """Write report.html, one file: result, errors with pictures, thresholds, learning curves.

    Args:
        run: The folder of a finished run, lightning_logs/<experiment>/version_N.
        output: A folder for report.html, made if it is not there; by default the run's own.
        recall: Share of a class that an alarm should catch, above 0 and at most 1.
        catch: The class to be caught; by default the second of two, and of more every one in turn.
        blocks: Delete one block of the network at a time, which shows the stages that the photos
            need, and write blocks.csv beside the page. Up to 200 photos are predicted once for
            every two blocks.
        overwrite: Replace the page, and blocks.csv, if they exist.
    """
    if not 0 < recall <= 1:
        raise UserError(f"--recall is {recall}, but must be above 0 and at most 1")
    if not run.is_dir():
        raise UserError(f"{run} is not a folder; expected that of a run, lightning_logs/<experiment>/version_N")
    folder = output or run
    check_output_folder("--output", folder, overwrite=True)  # it may exist, a page in it may not
    for name in ("report.html", "blocks.csv") if blocks else ("report.html",):
        if (folder / name).exists() and not overwrite:
            raise UserError(f"{folder / name} exists; choose another folder with --output, or add --overwrite true")
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.report.page import NAME, write_report

    folder.mkdir(exist_ok=True)
    write_report(run, folder / NAME, recall, catch, blocks)
    print(f"report: {folder / NAME}")
