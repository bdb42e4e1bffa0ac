"""``check``: what in a folder of photos would make the result a lie, before the first epoch."""

import shlex
from pathlib import Path
from typing import Literal

from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import check_output_file, check_output_folder


def check(
    root: Path,
    group_pattern: str | None = None,
    layout: Literal["class", "class/group", "group/class"] | None = None,
    output: Path | None = None,
    fix_list: Path | None = None,
    fix_list_anyway: bool = False,
    language: str | None = None,
    overwrite: bool = False,
    table: Path | None = None,
) -> int:
    r"""Find damaged files, copies, leaks, hidden groups, shortcuts, label errors; change nothing.

    Args:
        root: The data folder, in whatever state it is, or a table, as fit takes both.
        group_pattern: Regular expression; its match names the person or session ('subject-\d+').
        layout: What the folders name, as fit's data.layout.
        output: A folder to make for check.html, with the photos that matter, and check.json.
        fix_list: A .csv file to write, which fit --data.exclude takes: photos that are certainly to
            leave out, namely files of equal bytes or pixels, files that cannot be read, and
            pictures that are also in a later split.
        fix_list_anyway: Write that list even if it takes over 10 % of the photos or changes the
            balance of a group's classes.
        language: Language of what is printed and of check.html; by default the locale's.
        overwrite: Replace the output and the list if they exist.
        table: A table that lists the photos, with paths relative to the folder.

    Returns:
        Exit code: 0 if the folder is fine, 1 with warnings, 2 with errors.
    """
    from posture_classifier.data.photo_table import TABLE_SUFFIXES, folder_of_table

    check_output_file("--fix_list", fix_list, (".csv",), overwrite)
    check_output_folder("--output", output, overwrite)
    if table is None and root.suffix.lower() in TABLE_SUFFIXES:
        root, table = Path(folder_of_table(root)), root
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    if output is not None and table is None and output.resolve().is_relative_to(root.resolve()):
        raise UserError(f"--output {output} would lie in {root}, where fit takes folders for classes; choose a place outside of it")
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.check.finding import exit_code
    from posture_classifier.check.html_page import write_check
    from posture_classifier.check.writing import check_aloud, write_fixes, write_json
    from posture_classifier.rendering.translation import Translator
    from posture_classifier.utils.text import plural

    translator = Translator(language)
    result = check_aloud(root, group_pattern, layout, language, table)
    if output is not None:
        output.mkdir(exist_ok=True)
        write_check(result, page := output / "check.html", language)
        write_json(result, output / "check.json")
        say(translator.text(f"report: {page}"))
    if fix_list is not None:
        n = write_fixes(result, fix_list, fix_list_anyway)
        how = f": fit --data.exclude {shlex.quote(str(fix_list))}" if n else f"; {fix_list} is empty"
        say(translator.text(f"{plural(n, 'photo')} to leave out{how}"))
    return exit_code(result.findings)
