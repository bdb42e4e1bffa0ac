"""``start``: from a folder of photos to a number that can be trusted, and the trained network."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from posture_classifier.utils.errors import UserError

if TYPE_CHECKING:
    from posture_classifier.start.plan import Plan

Layout = Literal["class", "class/group", "group/class"]


def start(
    root: Path,
    yes: bool = False,
    group_pattern: str | None = None,
    layout: Layout | None = None,
    output: Path = Path(),
) -> int:
    """Look at photos, ask who is on them, train, test on people never seen.

    It writes what it decides to OUTPUT/<name of the photos>.yaml, which you may edit, and its runs
    and their page below OUTPUT/lightning_logs. The same command goes on where it was stopped.

    Args:
        root: The data folder, with one folder per class; or a table that lists photos, as fit takes
            it.
        yes: Take what it proposes, rather than asking.
        group_pattern: Regular expression whose match in the path names the person, if you know it.
        layout: What the folders name, as fit's data.layout; found out where it is certain.
        output: The folder to write to.

    Returns:
        Exit code 0.
    """
    from posture_classifier.data.photo_table import TABLE_SUFFIXES, folder_of_table

    table = root if root.suffix.lower() in TABLE_SUFFIXES and root.is_file() else None
    if table is not None:
        root = Path(folder_of_table(table))
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    if not output.is_dir():
        raise UserError(f"--output {output} must be a folder that exists")
    if not os.access(output, os.W_OK):
        raise UserError(f"the folder {output} cannot be written to; choose another one by --output")
    if table is None and output.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"what start writes would lie in {root}, whose folders are taken for classes; choose another place by --output"
        )
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.start.plan import read_plan

    path = output / f"{root.resolve().name if table is None else table.stem}.yaml"
    plan = read_plan(path, root, table)
    given = {"group_pattern": group_pattern, "layout": layout}
    for name, value in given.items():
        if plan and value not in (None, plan.settings["data"].get(name)):
            raise UserError(f"{path} was written without --{name} {value}; remove it, and start begins anew, or set {name} there")
    from posture_classifier.utils.console import busy, say

    if plan is None:
        plan = _propose(root, table, path, yes, group_pattern, layout)
    else:
        say(f"going on as {path} says; without that file, start asks anew")
    # Importing what trains takes seconds, which should not be silent.
    with busy("Getting ready to train"):
        from posture_classifier.start.procedure import carry_out

    carry_out(plan)
    return 0


def _propose(root: Path, table: Path | None, path: Path, yes: bool, group_pattern: str | None, layout: Layout | None) -> "Plan":
    """Look at the photos with a bar, and make the plan."""
    from rich.progress import Progress

    from posture_classifier.check.run_checks import Result, run_checks
    from posture_classifier.start.proposal import propose
    from posture_classifier.start.questions import ask_at_terminal, take_proposals
    from posture_classifier.utils.console import terminal

    def check(layout: Layout | None) -> Result:
        with Progress(console=terminal(), transient=True) as bar:
            task = bar.add_task("Looking at the photos", total=None)

            def show(done: int, n: int) -> None:
                # A bar that is full would stand there while the findings are computed.
                bar.update(task, completed=done, total=n if done < n else None)

            return run_checks(root, group_pattern, show, layout, table)

    ask_layout = table is None and group_pattern is None  # a table names classes and groups itself
    return propose(root, path, check, ask_layout, layout, take_proposals if yes else ask_at_terminal)
