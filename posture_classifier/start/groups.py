"""Who is on which photo: proposed by names, folders, dates or looks, and decided by the user."""

import re

from rich import box
from rich.table import Table

from posture_classifier.check.group_proposals import Grouping, Proposal, Proposals
from posture_classifier.check.groups import example_photos
from posture_classifier.data.folder import Photos
from posture_classifier.start.questions import YES, Ask
from posture_classifier.utils.console import say
from posture_classifier.utils.text import plural, shortlist

SHOWN_GROUPS = 8
NOBODY = "n"


def choose_grouping(photos: Photos, proposals: Proposals, ask: Ask) -> Proposal | str | None:
    """Show the ways to group photos, and let the user choose.

    Args:
        photos: The photos that can be read.
        proposals: What names, folders, dates and looks suggest.
        ask: Asks a question.

    Returns:
        A proposal; or a regular expression of the user's own; or None if each photo is to stand
        alone.
    """
    possible = proposals.possible
    if not possible:
        return None
    for number, proposal in enumerate(possible, 1):
        say(f"{number}. {_describe(proposal.grouping)}", _table(photos, proposal.grouping))
    numbers = f", a number up to {len(possible)} for another way" if len(possible) > 1 else ""
    choices = f"y{numbers}, {NOBODY} if each photo shows somebody else"
    while True:
        answer = ask(
            f"Is each group{' of 1.' if numbers else ''} one {_noun(possible[0].grouping)}? {choices}, or a regular expression:",
            "y",
        )
        if answer.lower() in YES:
            return possible[0]
        if answer.lower() in (NOBODY, "no"):
            return None
        if answer.isdigit() and 1 <= int(answer) <= len(possible):
            return possible[int(answer) - 1]
        try:
            re.compile(answer)
        except (re.error, RecursionError, OverflowError) as error:
            say(f"{answer!r} is no regular expression: {error}")
        else:
            return answer


def _noun(grouping: Grouping) -> str:
    """What one of the groups is.

    Example:
        >>> import numpy as np
        >>> _noun(Grouping((), np.array(["a"]), "new people"))
        'person'
        >>> _noun(Grouping((), np.array(["a"]), "new scenes"))
        'scene'
        >>> _noun(Grouping((), np.array(["a"]), "new groups"))
        'person or session'
    """
    known = {"new people": "person", "new groups": "person or session"}
    return known.get(grouping.new, grouping.new.removeprefix("new ").removeprefix("other ").removesuffix("s"))


def _describe(grouping: Grouping) -> str:
    kind = "person" if grouping.new == "new people" else "group"
    found = plural(len(grouping.names), kind, "people" if kind == "person" else None)
    where = "the names" if "--data.group_pattern" in grouping.options else "the photos"
    return f"I see {found} in {where}: {shortlist(grouping.names, 4)} ({grouping.option})"


def _table(photos: Photos, grouping: Grouping) -> Table:
    """The largest groups with their sizes and three photos each."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("group", "photos", "for example"):
        table.add_column(title, overflow="fold")
    for name in grouping.names[:SHOWN_GROUPS]:
        table.add_row(name, str(grouping.sizes[name]), ", ".join(example_photos(photos, grouping, name)))
    if (more := len(grouping.names) - SHOWN_GROUPS) > 0:
        table.add_row(f"and {more} more", "", "")
    return table
