"""YAML that somebody else may have written: its size and depth are looked at before it is read."""

from typing import Any

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

from posture_classifier.utils.errors import UserError

MOST_VALUES = 100_000
"""Values that a text may have once every ``*name`` is replaced by what it stands for."""
DEEPEST = 50
"""Lists and mappings that may lie within each other."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML's C loader is ten times as fast, but not built everywhere."""


def check_bounds(text: str) -> None:
    """Refuse YAML that would take gigabytes, or more than Python's stack, to be read.

    A kilobyte of names, of which each stands for nine of the one before, is a billion values.

    Raises:
        UserError: It has too many values, or they lie too deep within each other.
        yaml.YAMLError: It is no YAML.
    """
    sizes: dict[str, int] = {}  # number of values that each name stands for
    started: list[tuple[str, int]] = []  # name, and values before it, of each list or mapping that is not closed
    values = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, AliasEvent):
            values += sizes.get(event.anchor, 0)
        elif isinstance(event, CollectionEndEvent):
            name, before = started.pop()
            sizes[name] = values - before
        elif isinstance(event, CollectionStartEvent):
            started.append((event.anchor, values))
            sizes[event.anchor] = MOST_VALUES  # until it is closed, since a list within itself has no end
            values += 1
        elif isinstance(event, ScalarEvent):
            values += 1
        if values > MOST_VALUES or len(started) > DEEPEST:
            raise UserError(
                f"this YAML has more than {MOST_VALUES} values, counting what every *name stands for, or more than {DEEPEST} "
                "lists and sections within each other; no settings need as many"
            )


def load(text: str) -> Any:
    """Read plain values from YAML within the bounds.

    Raises:
        UserError: It is beyond them.
        yaml.YAMLError: It is no YAML.
    """
    check_bounds(text)
    return yaml.load(text, LOADER)
