"""From a folder to a plan: look at the photos, ask who is on them, and choose the procedure."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import get_args

import numpy as np
import numpy.typing as npt

from posture_classifier.check.commands import FEW_GROUPS, advise_command, with_groups
from posture_classifier.check.finding import SEVERITIES
from posture_classifier.check.fix_list import write_fixes
from posture_classifier.check.group_proposals import Grouping
from posture_classifier.check.run_checks import Result
from posture_classifier.data.folder import Photos, detect_layout, ungrouped
from posture_classifier.data.layout import Layout
from posture_classifier.start.groups import choose_grouping
from posture_classifier.start.plan import Plan, make_plan, write_plan
from posture_classifier.start.questions import YES, Ask
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist

Rows = npt.NDArray[np.int64]
Check = Callable[[str | None, Layout | None], Result]
"""Looks at the photos, with groups by a regular expression or those that are proposed, and with
what the folders name, or as far as that is certain."""


def propose(root: Path, path: Path, check: Check, group_pattern: str | None, layout: Layout | None, ask: Ask) -> Plan:
    """Look at the photos, ask what cannot be known, and write the plan.

    Args:
        root: Folder of the photos.
        path: The YAML file to write.
        check: Looks at the photos.
        group_pattern: The user's own pattern; None lets names, dates and looks propose groups.
        layout: What the folders name; None finds it out, or asks.
        ask: Asks a question.

    Raises:
        UserError: The photos cannot be trained on and tested; the message says why.
    """
    layout = layout or _ask_layout(root, group_pattern, ask)
    result = check(group_pattern, layout)
    grouping, result = _decide_groups(result, lambda pattern: check(pattern, layout), ask)
    say(*_describe_findings(result))
    if result.proposals is None or result.readable is None:
        raise UserError(result.headline.text)
    options, rows = _exclusion(result, result.readable, path, ask)
    photos = result.readable.select(rows)
    if len(result.readable) < len(result.photos):
        options += ("--data.on_error", "skip")
    if grouping:
        photos, options = with_groups(photos, grouping.groups[rows]), (*grouping.options, *options)
    else:
        photos, options = ungrouped(photos), ("--data.group_by", "none", *options)
    if layout and "--data.layout" not in options:
        options += ("--data.layout", layout)
    advised = advise_command(photos, options)
    if advised is None:
        raise UserError(f"{root} cannot be trained on and tested: {result.headline.refusal or 'classes or groups are too few'}")
    plan = make_plan(path, root, advised)
    facts = _facts(result, grouping, plan)
    write_plan(plan, facts)
    say(*facts, f"written: {path}")
    return plan


def _ask_layout(root: Path, group_pattern: str | None, ask: Ask) -> Layout | None:
    """Ask what the folders name, where that is not certain and nobody has said it."""
    detect_layout(root, ask=False)
    try:
        detect_layout(root, ask=group_pattern is None)
    except UserError as error:
        say(str(error))
        for layout in get_args(Layout):
            if ask(f"Is it {layout}?", "n").lower() in YES:
                return layout  # type: ignore[no-any-return]
        raise UserError(f"{root}: say what its folders name with --layout, one of {', '.join(get_args(Layout))}") from error
    return None


def _decide_groups(result: Result, check: Callable[[str], Result], ask: Ask) -> tuple[Grouping | None, Result]:
    """The groups that the user wants; a pattern of their own has the photos looked at once more."""
    while result.proposals and result.readable is not None and not result.photos.grouped:
        chosen = choose_grouping(result.readable, result.proposals, ask)
        if not isinstance(chosen, str):
            return (chosen.grouping if chosen else None), result
        result = check(chosen)
    given = result.proposals.best if result.proposals else None
    return (given.grouping if given else None), result


def _describe_findings(result: Result) -> list[str]:
    """What was found, in a line for each severity, and where to look at it."""
    kinds = {
        severity: [found.kind for found in result.findings if found.severity == severity and found.kind != "groups"]
        for severity in SEVERITIES[:2]
    }
    lines = [f"{plural(len(names), severity)}: {shortlist(names, 6)}" for severity, names in kinds.items() if names]
    root = result.photos.root
    return [*lines, f"To look at them: python -m posture_classifier check {root} --output looked_at"] if lines else []


def _exclusion(result: Result, readable: Photos, path: Path, ask: Ask) -> tuple[tuple[str, ...], Rows]:
    """The option that leaves certain copies out, if the user wants it, and the photos that stay."""
    listed = {photo for finding in result.findings for photo in finding.exclude}
    everything = np.arange(len(readable))
    if not listed:
        return (), everything
    names = (path.with_name(f"{path.stem}_left_out{number or ''}.csv") for number in count())
    file = next(name for name in names if not name.exists())
    question = f"Leave out {plural(len(listed), 'photo')} that are copies or cannot be read (listed in {file})?"
    if ask(question, "y").lower() not in YES:
        return (), everything
    try:
        write_fixes(result, file)
    except UserError as error:
        say(str(error))
        return (), everything
    return ("--data.exclude", str(file)), np.flatnonzero(~np.isin(readable.paths, list(listed)))


def _facts(result: Result, grouping: Grouping | None, plan: Plan) -> list[str]:
    """What was found and decided, a sentence each."""
    photos = f"{plural(len(result.photos), 'photo')} of {plural(len(result.photos.classes), 'class', 'classes')}"
    if grouping is None:
        return [f"{photos}; each photo counts as a person of its own, so the result flatters if one person is on several."]
    names = [f"{name} {size}" for name, size in grouping.sizes.items()]
    how = {
        "crossval": f"Fewer than {FEW_GROUPS} groups: each is tested once, by a network that has not seen it.",
        "fit": "A part of the groups is kept for the test, and the network never sees it.",
    }
    return [f"{photos}; {plural(len(names), 'group')}: {shortlist(names, 6)}.", how[plan.procedure]]
