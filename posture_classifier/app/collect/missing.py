"""What is still missing in a collection, the most needed first."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from posture_classifier.app.collect.counts import Counts
from posture_classifier.check.class_balance import FEW, SPLITS

Level = Literal["needed", "rough", "advised"]
LEVELS = get_args(Level)
ADVISED_PEOPLE = 20
ADVISED_PHOTOS = 10
"""As a rule of thumb, 20 people with 10 photos of each class say more than 2 with a thousand."""
ADVISED_SESSIONS = 2


@dataclass(frozen=True)
class Missing:
    """One thing that is missing.

    Attributes:
        code: Name of its sentence in ``languages/*.json``, after ``missing.``.
        level: Whether nothing can be trained without it, the result would be rough, or it is a
            rule of thumb.
        values: What the sentence names.
    """

    code: str
    level: Level
    values: dict[str, Any] = field(default_factory=dict)


def find_missing(counts: Counts) -> list[Missing]:
    """Find what keeps a network from being trained and tested on people that it has not seen."""
    classes = counts.classes
    if len(classes) < 2:
        return [Missing("classes", "needed", {"n": 2 - len(classes)})]
    found = [*_people(counts), *_one_sided(counts), *_sizes(counts)]
    return sorted(found, key=lambda each: LEVELS.index(each.level))


def _people(counts: Counts) -> list[Missing]:
    """Classes that too few people are in; where all are alike it is said once."""
    have = {name: sum(counts.of(name, person) > 0 for person in counts.people) for name in counts.classes}
    found = []
    for name, n in have.items():
        if n < SPLITS:
            found.append(Missing("people", "needed", {"class": name, "n": SPLITS - n, "wanted": SPLITS}))
        elif n < FEW:
            found.append(Missing("people", "rough", {"class": name, "n": FEW - n, "wanted": FEW}))
    if not found and (fewest := min(have.values())) < ADVISED_PEOPLE:
        found.append(Missing("more_people", "advised", {"n": fewest, "wanted": ADVISED_PEOPLE}))
    return found


def _one_sided(counts: Counts) -> list[Missing]:
    """People and sessions without photos of some class: light or clothes would tell the class."""
    found = []
    for person in counts.people:
        without = [name for name in counts.classes if not counts.of(name, person)]
        found += [Missing("class_of_person", "rough", {"person": person, "class": name}) for name in without]
        if without:
            continue
        for session in counts.sessions(person):
            lacking = [name for name in counts.classes if not counts.of(name, person, session)]
            values = {"person": person, "session": session}
            found += [Missing("class_of_session", "rough", values | {"class": name}) for name in lacking]
    return found


def _sizes(counts: Counts) -> list[Missing]:
    """People with few photos of a class, or one session only."""
    found = [
        Missing("photos", "advised", {"person": person, "class": name, "n": ADVISED_PHOTOS - n})
        for person in counts.people
        for name in counts.classes
        if 0 < (n := counts.of(name, person)) < ADVISED_PHOTOS
    ]
    alone = [person for person in counts.people if len(counts.sessions(person)) < ADVISED_SESSIONS]
    if alone:
        shown = ", ".join(alone[:3]) + (" …" if len(alone) > 3 else "")
        found.append(Missing("sessions", "advised", {"n": len(alone), "people": shown}))
    return found
