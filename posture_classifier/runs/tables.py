"""Reads ``metrics.csv`` and ``split.csv`` of a run, which somebody may have edited."""

from pathlib import Path
from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.models.checkpoint import MOST_STEPS
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows
from posture_classifier.utils.text import first_line, printable
from posture_classifier.utils.validation import mismatch


class _Epoch(TypedDict):
    """A row of ``metrics.csv``, parsed."""

    epoch: Annotated[float, Field(ge=0, le=MOST_STEPS, multiple_of=1)]
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    stages_open: NotRequired[Annotated[float, Field(ge=0, le=1000)]]


def read_split_rows(path: Path) -> list[dict[str, str]]:
    """Rows of ``split.csv``; none where there is no such file.

    Raises:
        UserError: The file is damaged.
    """
    return read_rows(path, ["path", "split", "label", "group"])


def read_curves(path: Path) -> list[dict[str, str]]:
    """Rows of ``metrics.csv``, one an epoch: numbers, and empty cells; none without a file.

    Raises:
        UserError: A row lacks its epoch or seconds, or a cell is no number.
    """
    rows = read_rows(path, ["epoch", "seconds"])
    for line, row in enumerate(rows, 2):
        try:
            reason = mismatch({name: float(cell) for name, cell in row.items() if cell}, _Epoch)
        except ValueError as error:
            reason = first_line(error)
        if reason:
            raise UserError(f"{path} is damaged: line {line}: {printable(reason)}; put back what the run wrote, or remove it")
    return rows
