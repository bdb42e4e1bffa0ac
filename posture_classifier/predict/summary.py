"""What is said at the end: the first rows, and how many there are of each kind."""

from collections import Counter
from typing import Any

from rich.table import Table
from rich.text import Text

from posture_classifier.predict.catching import Catch
from posture_classifier.rendering.formatting import percent, percent_estimate
from posture_classifier.runs.checkpoints import Evaluation
from posture_classifier.utils.text import describe_size, plural, printable, shortlist

SHOWN_ROWS = 50
NOT_SURE, UNLIKE = "not sure", "unlike the training photos"


class Summary:
    """Counts rows as they come, and keeps the first ones.

    Attributes:
        rows: Number of rows.
        unreadable: Number of photos that could not be read.
    """

    def __init__(self) -> None:
        self.rows = self.unreadable = 0
        self._first: list[dict[str, Any]] = []
        self._labels: Counter[str] = Counter()
        self._not_sure = self._unlike = 0

    def add(self, row: dict[str, Any]) -> None:
        """Count a row; one that was read back from a .csv file is of texts."""
        self.rows += 1
        if self.rows <= SHOWN_ROWS:
            self._first.append(row)
        if row["error"]:
            self.unreadable += 1
            return
        self._labels[row["label"]] += 1
        self._not_sure += _is_false(row.get("sure"))
        self._unlike += _is_false(row.get("familiar"))

    def table(self) -> Table:
        """The first rows."""
        table = Table("path", "label", "probability", caption=plural(self.rows, "photo"))
        notes = [self._notes(row) for row in self._first]
        if any(notes):
            table.add_column()
        for row, note in zip(self._first, notes, strict=True):
            path = Text(printable(row["path"]))
            if row["error"]:
                table.add_row(path, Text(row["error"], style="red"), "")
            else:
                table.add_row(path, Text(row["label"]), f"{float(row['probability']):.3f}", *([Text(note)] if note else []))
        if self.rows > SHOWN_ROWS:
            table.add_row(f"and {self.rows - SHOWN_ROWS} more", "", "")
        return table

    @staticmethod
    def _notes(row: dict[str, Any]) -> str:
        return ", ".join([NOT_SURE] * _is_false(row.get("sure")) + [UNLIKE] * _is_false(row.get("familiar")))

    def sentences(self, evaluation: Evaluation | None, catch: Catch | None) -> list[str]:
        """Counts of the rows, each with what was measured about it on photos of known classes."""
        said = [shortlist([f"{label}: {n}" for label, n in self._labels.most_common()], 20)] if self._labels else []
        if catch is not None:
            said.append(str(catch))
        if evaluation is None:
            return said
        size = describe_size(vars(evaluation))
        if evaluation.abstention and catch is None:
            said.append(
                f"{NOT_SURE}: {self._of_readable(self._not_sure)}, whose most probable class is below "
                f"{evaluation.abstention.threshold:.3g}; of {size} with known classes that leaves "
                f"{percent_estimate(evaluation.abstention.answered)}, of which {percent_estimate(evaluation.abstention.accuracy)} "
                "are right"
            )
        if evaluation.familiarity:
            said.append(
                f"{UNLIKE}: {self._of_readable(self._unlike)}, whose labels may mean nothing; of photos of the same kind that is "
                f"wrongly said of {percent_estimate(evaluation.familiarity.false_alarms)} ({size})"
            )
        return [*said, f"the network itself: {evaluation}"]

    def _of_readable(self, n: int) -> str:
        readable = self.rows - self.unreadable
        return f"{n} of {plural(readable, 'photo')} ({percent(n / max(readable, 1))})"


def _is_false(cell: Any) -> bool:
    return cell in (False, "False")
