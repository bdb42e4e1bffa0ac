"""What is wrong with rows of a table of photos, gathered so that one sentence names them."""

from collections import Counter
from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, printable, shortlist

SHOWN = 3
"""Rows that a sentence names; the others are counted."""
FAULTS = {
    "no_path": ("without a path", "write one, or remove them"),
    "outside": ("with a path outside of {root}", "move the photos below it, or give another data.root"),
    "secret": (
        "with a password or a signature in the URL, which every table of a run would repeat",
        "leave it out, and let the environment or the service's own file name it",
    ),
    "missing": ("whose file is not there", "paths are relative to {root}; mend them, or set data.on_error to skip"),
    "no_label": ("without a label", "write one, or remove them"),
    "not_utf8": ("whose label is not in UTF-8", "save the table as CSV UTF-8"),
    "no_group": ("without a group, while others have one", "name who is on each photo, or leave the column out"),
    "no_split": ("without a split, while others have one", "write train, val or test in each, or leave the column out"),
    "unknown_split": ("with an unknown split", "use train, val and test"),
    "repeated": ("whose path stands in an earlier row", "keep one of each"),
}
"""What is said of the rows, and what to do; in this order the first fault is told."""


class TableFaults:
    """The faults of a table's rows, of each kind a few and the number.

    ``first_row`` is the number of its first row of photos.
    """

    def __init__(self, table: Path, root: Path, first_row: int) -> None:
        self._table, self._root, self._first_row = table, root, first_row
        self.counts: Counter[str] = Counter()
        self._shown: dict[str, list[str]] = {}

    def note(self, kind: str, row: int, words: str = "") -> None:
        """Note that a row, counted from 0, has a fault; ``words`` tell which photo it is about."""
        self.counts[kind] += 1
        if len(shown := self._shown.setdefault(kind, [])) < SHOWN:
            number = f"row {row + self._first_row}"
            shown.append(f"{number}: {printable(words)}" if words else number)

    def refuse(self) -> None:
        """Refuse the table if there are faults.

        Raises:
            UserError: There are; it is about the first kind.
        """
        for kind, (what, remedy) in FAULTS.items():
            if n := self.counts[kind]:
                rows = shortlist(self._shown[kind] + [""] * (n - len(self._shown[kind])), SHOWN)
                text = f"{plural(n, 'row')} {what} ({rows}); {remedy}"
                raise UserError(f"data.table {self._table}: {text.replace('{root}', str(self._root))}")
