"""``start``: from a folder of photos to a number that can be trusted, and the trained network."""

from pathlib import Path
from typing import Literal

from posture_classifier.utils.errors import UserError


def start(
    root: Path,
    yes: bool = False,
    group_pattern: str | None = None,
    layout: Literal["class", "class/group", "group/class"] | None = None,
    output: Path = Path(),
) -> int:
    """Look at the photos, ask who is on them, train, test on people never seen, and write the page.

    It writes what it decides to OUTPUT/<name of the folder>.yaml, which you may edit, and its runs
    below OUTPUT/lightning_logs. The same command goes on where it was stopped.

    Args:
        root: The data folder, with one folder per class.
        yes: Take what it proposes, rather than asking.
        group_pattern: Regular expression whose match in the path names the person, if you know it.
        layout: What the folders name, as fit's data.layout; found out where it is certain.
        output: The folder to write to.

    Returns:
        Exit code 0.
    """
    if not root.is_dir():
        raise UserError(f"{root} is not a folder; expected {root}/<class>/*.jpg")
    if not output.is_dir():
        raise UserError(f"--output {output} must be a folder that exists")
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from rich.progress import Progress

    from posture_classifier.check.run_checks import Result, run_checks
    from posture_classifier.start.plan import read_plan
    from posture_classifier.start.procedure import carry_out
    from posture_classifier.start.proposal import propose
    from posture_classifier.start.questions import ask_at_terminal, take_proposals
    from posture_classifier.utils.console import say, terminal

    def check(pattern: str | None, layout: Literal["class", "class/group", "group/class"] | None) -> Result:
        with Progress(console=terminal(), transient=True) as bar:
            task = bar.add_task("Looking at the photos", total=None)
            return run_checks(root, pattern, lambda done, n: bar.update(task, completed=done, total=n), layout)

    path = output / f"{root.resolve().name}.yaml"
    plan = read_plan(path, root)
    if plan is None:
        plan = propose(root, path, check, group_pattern, layout, take_proposals if yes else ask_at_terminal)
    else:
        say(f"going on with {path}")
    say(*carry_out(plan, output))
    return 0
