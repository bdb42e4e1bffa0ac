"""Who is on which photo: proposed by names, folders, dates or looks, and decided by the user."""

import numpy as np
from rich import box
from rich.table import Table

from posture_classifier.check.folder_layout import name_groups
from posture_classifier.check.group_proposals import Grouping, Proposals
from posture_classifier.check.groups import example_photos
from posture_classifier.check.headline import why_refused
from posture_classifier.data.folder import Photos
from posture_classifier.start.questions import NO, YES, Ask, says_yes
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import shortlist

SHOWN_GROUPS = 8
ONE_OF = {"people": "person", "sessions": "session", "days": "day"}
"""What one of the groups is; of others nobody knows whether they are people or sessions."""
SEEN_IN = {"--data.group_pattern": "the names", "--data.group_by exif": "the dates", "--data.group_by cluster": "the looks"}


def choose_grouping(photos: Photos, proposals: Proposals, ask: Ask) -> Grouping | None:
    """Show the ways to group photos, and let the user choose.

    Returns:
        The groups, or None if each photo is to stand alone.

    Raises:
        UserError: Groups are needed, and nobody names them.
    """
    offered = [each.grouping for each in proposals.possible]
    if proposals.refused and not any(each.named for each in offered):
        refused = proposals.refused[0]
        say(f"{_describe(refused.grouping)}; but {why_refused(photos, refused)}.")
    if not offered:
        if not proposals.refused:
            say("Neither names, dates nor looks tell people apart.")
        return _ask_for_pattern(photos, "y" if proposals.refused else "n", ask)
    _show(photos, offered)
    while True:
        answer = ask(_question(offered), "1" if len(offered) > 1 else "y")
        if answer.lower() in YES:
            return offered[0]
        if answer.isdecimal() and 1 <= int(answer) <= len(offered):
            return offered[int(answer) - 1]
        if answer.lower() in NO:
            return _ask_for_pattern(photos, "y", ask)
        if made := _by_pattern(photos, answer):
            offered = [made]
            _show(photos, offered)


def limits_of(grouping: Grouping) -> list[str]:
    """Say what a result on these groups does not tell of new people; nothing if they are people.

    Example:
        >>> limits_of(Grouping((), np.array(["a"]), "new scenes", named=False))
        ['The groups are scenes, not people: of new people the result says nothing.']
    """
    kind = _kind(grouping)
    if not grouping.named:
        return [f"The groups are {kind}, not people: of new people the result says nothing."]
    if kind in ("sessions", "days"):
        return [f"The groups are {kind}: if one person is in several, the result flatters."]
    return []


def _kind(grouping: Grouping) -> str:
    """What the groups are: ``people``, ``sessions``, ``blocks of 10 frames``."""
    return grouping.new.partition(" ")[2]


def _ask_for_pattern(photos: Photos, proposal: str, ask: Ask) -> Grouping | None:
    """Ask whether groups are needed, and what names them."""
    if not says_yes(ask, "Is any person, or any scene, on more than one photo?", proposal):
        return None
    while answer := ask("Which regular expression matches the person in a path? (Enter alone ends start.)", ""):
        if made := _by_pattern(photos, answer):
            _show(photos, [made])
            if says_yes(ask, "Is each group one person?", "y"):
                return made
    raise UserError(
        f"{photos.root}: nothing says who is on which photo; put the photos of each person, three people at least, into a folder "
        "of their own (<class>/<person>/photo.jpg), or the person's name before an underscore in each file name, and start again"
    )


def _by_pattern(photos: Photos, pattern: str) -> Grouping | None:
    """The groups by the user's own regular expression; None after saying why there are none."""
    grouped, faults = name_groups(photos, pattern)
    names = np.array(grouped.groups.tolist(), dtype=np.str_)
    if faults:
        say(faults[0].text)
    elif len(set(names.tolist())) < 2:
        say(f"The group pattern {pattern!r} puts all photos into one group.")
    else:
        return Grouping(("--data.group_pattern", pattern), names)
    return None


def _question(offered: list[Grouping]) -> str:
    kind, option = _kind(offered[0]), offered[0].options[-1]
    example = f" such as {option}" if offered[0].options[0] == "--data.group_pattern" else ""
    other = f"or a regular expression{example} if you know a better one:"
    if len(offered) > 1:
        return f"Which of them keep people apart? A number up to {len(offered)}, n for none, {other}"
    if not offered[0].named:
        return f"They are no people, but photos of one of them look alike. Keep each together? y, n, {other}"
    return f"Is each group one {ONE_OF.get(kind, 'person or session')}? y, n, {other}"


def _describe(grouping: Grouping) -> str:
    where = next((words for option, words in SEEN_IN.items() if grouping.option.startswith(option)), "the folders")
    return f"I see {len(grouping.names)} {_kind(grouping)} in {where}: {shortlist(grouping.names, 4)}"


def _show(photos: Photos, offered: list[Grouping]) -> None:
    """Show each way to group the photos, with a number if there are several."""
    for number, grouping in enumerate(offered, 1):
        say(f"{f'{number}. ' if len(offered) > 1 else ''}{_describe(grouping)}", _table(photos, grouping))


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
