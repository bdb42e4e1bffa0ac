"""``report``: a finished run or cross-validation on one page, to be read and sent."""

from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_folder


def report(
    run: Path,
    output: Path | None = None,
    recall: float = 0.95,
    catch: str | None = None,
    blocks: bool = False,
    language: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write report.html, one file: result, errors with pictures, thresholds, learning curves.

    Args:
        run: The folder of a finished run, lightning_logs/<experiment>/version_N, or of a
            cross-validation, lightning_logs/<experiment>/crossval_N.
        output: A folder for report.html, made if it is not there; by default the run's own.
        recall: Share of a class that an alarm should catch, above 0 and at most 1.
        catch: The class to be caught; by default every one in turn.
        blocks: Delete one block of the network at a time, which shows the stages that the photos
            need, and write blocks.csv beside the page. Up to 200 photos are predicted once for
            every two blocks.
        language: Language of the page, such as ko; by default that of the locale, or else English.
        overwrite: Replace even a report.html or blocks.csv that another program wrote.
    """
    if not 0 < recall <= 1:
        raise UserError(f"--recall is {recall}, but must be above 0 and at most 1")
    if not run.is_dir():
        raise UserError(f"{run} is not a folder; expected lightning_logs/<experiment>/version_N, or crossval_N of crossval")
    folder = output or run
    check_output_folder("--output", folder, overwrite=True)  # it may exist, a foreign page in it may not
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.rendering.page import is_our_page
    from posture_classifier.rendering.translation import Translator

    translator = Translator(language)
    page = folder / "report.html"
    if page.exists() and not overwrite and not is_our_page(page):
        raise UserError(f"{page} is not a page that report wrote; choose another folder with --output, or add --overwrite true")
    from posture_classifier.report.deleted_blocks import BLOCKS_CSV, is_our_table
    from posture_classifier.report.page import NAME, write_report

    table = folder / BLOCKS_CSV
    if blocks and table.exists() and not overwrite and not is_our_table(table):
        raise UserError(f"{table} is not a table that report wrote; choose another folder with --output, or add --overwrite true")
    folder.mkdir(exist_ok=True)
    write_report(run, folder / NAME, recall, catch, blocks, language)
    print(translator.text(f"report: {folder / NAME}"))
