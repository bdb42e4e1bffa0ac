"""From a folder to a plan: look at the photos, ask who is on them, and choose the procedure."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from shlex import quote

import numpy as np
import numpy.typing as npt

from posture_classifier.check.commands import advise_command
from posture_classifier.check.finding import Finding
from posture_classifier.check.group_proposals import Grouping, Proposal, groupings_by_name
from posture_classifier.check.nearest import Nearest
from posture_classifier.check.run_checks import Result
from posture_classifier.check.writing import write_fixes
from posture_classifier.data.folder import Photos, detect_layout, ungrouped, with_groups
from posture_classifier.data.layout import AmbiguousLayoutError, Layout
from posture_classifier.data.photo_lists import describe_losses
from posture_classifier.start.groups import choose_grouping, limits_of
from posture_classifier.start.plan import Plan, make_plan, write_plan
from posture_classifier.start.questions import Ask, says_yes
from posture_classifier.utils.console import say, say_command
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist

Rows = npt.NDArray[np.int64]
Check = Callable[[Layout | None], Result]
"""Looks at the photos, with what the folders name, or as far as that is certain."""
HOW = {
    "crossval": "Each group is tested once, by a network that has not seen it; then a final network learns from all.",
    "fit": "Part of them is tested, by a network that has not seen it; then a final network learns from all.",
}


def propose(root: Path, path: Path, check: Check, ask_layout: bool, layout: Layout | None, ask: Ask) -> Plan:
    """Look at the photos, ask what cannot be known, and write the plan.

    Args:
        root: Folder of the photos, or what a table's paths are relative to.
        path: The YAML file to write.
        check: Looks at the photos.
        ask_layout: Whether to ask what the folders name, where that is neither known nor certain.
        layout: What the folders name; None finds it out, or asks.
        ask: Asks a question.

    Raises:
        UserError: The photos cannot be trained on and tested; the message says why.
    """
    if layout is None and ask_layout:
        layout = _ask_layout(root, ask)
    result = check(layout)
    readable, grouping = _decide_groups(result, ask)
    _say_findings(result)
    options, rows = _exclusion(result, readable, path, ask)
    photos = readable.select(rows)
    if result.photos.table is not None:
        options += ("--data.table", str(result.photos.table))
    if len(readable) < len(result.photos):
        options += ("--data.on_error", "skip")
    if grouping:
        photos, options = with_groups(photos, grouping.groups[rows]), (*grouping.options, *options)
    else:
        photos, options = ungrouped(photos), ("--data.group_by", "none", *options)
    if layout and "--data.layout" not in options:
        options += ("--data.layout", layout)
    advised = advise_command(photos, options)
    if advised is None:
        reason = (
            result.headline.refusal or "classes or groups are too few for training, validation and testing to have some of each"
        )
        raise UserError(f"{_given(result)} cannot be trained on and tested: {reason}")
    plan = make_plan(path, root, advised, tuple(limits_of(grouping)) if grouping else ())
    facts = _facts(result, grouping, plan)
    write_plan(plan, facts)
    say(*facts, *plan.limits, f"All of this is in {path}, which you may edit.")
    return plan


def _given(result: Result) -> Path:
    """The table or folder that the user gave."""
    return result.photos.table or result.photos.root


def _ask_layout(root: Path, ask: Ask) -> Layout | None:
    """Ask what the folders name, where that is not certain and nobody has said it."""
    try:
        detect_layout(root)
    except AmbiguousLayoutError as error:
        meanings: dict[Layout, str] = {
            "group/class": f"{error.outer} are people or sessions, and {error.inner} the classes",
            "class/group": f"{error.outer} are the classes, and {error.inner} people or sessions",
            "class": f"{error.outer} are the classes, and {error.inner} name nobody",
        }
        layouts = list(meanings)
        say(f"The folders in {root} hold folders of the same names:")
        say(*[f"{number}. {meanings[layout]}" for number, layout in enumerate(layouts, 1)])
        while answer := ask("Which is right? 1, 2 or 3:", ""):
            if answer in ("1", "2", "3"):
                return layouts[int(answer) - 1]
            say(f"{answer!r} is none of 1, 2 and 3.")
        choices = "; ".join(f"{layout} if {meaning}" for layout, meaning in meanings.items())
        raise UserError(f"{root}: say what its folders name with --layout: {choices}") from error
    return None


def _decide_groups(result: Result, ask: Ask) -> tuple[Photos, Grouping | None]:
    """The photos that can be read, and the groups that an option or an answer makes of them."""
    faults = [each for each in result.findings if each.kind == "group_pattern"]
    if faults or result.proposals is None or result.readable is None:
        faults = faults or [each for each in result.findings if each.severity == "error"]
        raise UserError(" ".join(each.text for each in faults) or result.headline.text)
    proposals, readable = result.proposals, result.readable
    if result.photos.grouped:
        return readable, proposals.best.grouping if proposals.best else None
    if proposals.best is None:
        proposals = replace(proposals, possible=_people_by_name(readable))
    if proposals.best is None and result.headline.refusal:
        raise UserError(f"{_given(result)} cannot be trained on and tested: {result.headline.refusal}")
    return readable, choose_grouping(readable, proposals, ask)


def _people_by_name(photos: Photos) -> list[Proposal]:
    """Groups that names suggest, even if their photos do not look alike: it is safe."""
    ways = [(each, advise_command(with_groups(photos, each.groups), each.options)) for each in groupings_by_name(photos)]
    return [Proposal(each, Nearest(math.nan, math.nan), command) for each, command in ways if command]


def _say_findings(result: Result) -> None:
    """What was found, a line for each kind, and how to look at it."""

    def told(finding: Finding) -> bool:
        return finding.severity in ("error", "warning") and finding.kind != "groups"

    lines = [f"{each.severity}: {each.text}" for each in result.findings if told(each)]
    if lines:
        say(*lines[:3])
        more = f" ({plural(len(lines) - 3, 'more finding')})" if len(lines) > 3 else ""
        command = f"python -m posture_classifier check {quote(str(_given(result)))} --output looked_at"
        say_command(f"To look at these photos{more}", command)


def _exclusion(result: Result, readable: Photos, path: Path, ask: Ask) -> tuple[tuple[str, ...], Rows]:
    """The option that leaves certain copies out, if the user wants it, and the photos that stay."""
    listed = {photo for finding in result.findings for photo in finding.exclude}
    everything = np.arange(len(readable))
    if not listed:
        return (), everything
    what = f"{plural(len(listed), 'photo is a copy', 'photos are copies')} or cannot be read"
    if losses := describe_losses(result.photos, np.isin(result.photos.paths, list(listed))):
        say(f"{what}; none is left out, since that would be much: {'; '.join(losses)}.")
        return (), everything
    names = (path.with_name(f"{path.stem}_left_out{number or ''}.csv") for number in count())
    file = next(name for name in names if not name.exists())
    if not says_yes(ask, f"{what}. Leave {'it' if len(listed) == 1 else 'them'} out (listed in {file})?", "y"):
        return (), everything
    write_fixes(result, file)
    return ("--data.exclude", str(file)), np.flatnonzero(~np.isin(readable.paths, list(listed)))


def _facts(result: Result, grouping: Grouping | None, plan: Plan) -> list[str]:
    """What was found and decided, a sentence each."""
    photos = f"{plural(len(result.photos), 'photo')} of {plural(len(result.photos.classes), 'class', 'classes')}"
    if grouping is None:
        return [f"{photos}; each photo counts as a person of its own, so the result flatters if one person is on several."]
    names = [f"{name} {size}" for name, size in grouping.sizes.items()]
    return [f"{photos}; {plural(len(names), 'group')}: {shortlist(names, 6)}.", HOW[plan.procedure]]
