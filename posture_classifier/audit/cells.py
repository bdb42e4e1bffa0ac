"""The cells of a table as classes and numbers."""

import re

import numpy as np

from posture_classifier.audit.table_file import TableFile
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import normalise_name, one_line, plural, shortlist
from posture_classifier.utils.types import Floats, Ints

NO_CLASS = -1
"""Code of an empty cell."""


def _codes(classes: tuple[str, ...]) -> dict[str, int]:
    """The class that each spelling stands for; a name is meant before a number."""
    codes = {str(code): code for code in range(len(classes))}
    codes |= {name.lower(): code for code, name in enumerate(classes)}
    return codes | {name: code for code, name in enumerate(classes)}


def _spelled(cell: str) -> str:
    """A cell as a class may be spelled; pandas writes whole numbers as ``1.0`` beside gaps."""
    return normalise_name(re.sub(r"^(\d+)\.0$", r"\1", cell))


def is_class(cell: str, classes: tuple[str, ...]) -> bool:
    """Whether a cell names a class.

    Example:
        >>> [is_class(cell, ("left", "right")) for cell in ("Left", "1", "2")]
        [True, True, False]
    """
    codes, spelled = _codes(classes), _spelled(cell)
    return spelled in codes or spelled.lower() in codes


def class_codes(table: TableFile, column: str, classes: tuple[str, ...]) -> Ints:
    """(N,) classes that a column names, as they are spelled, in other letters, or by number.

    Numbers count from 0 in alphabetical order, as in Keras, fastai, timm, torchvision and
    Ultralytics; a class that is itself called by a number is meant first.

    Raises:
        UserError: A cell names no class.
    """
    codes = _codes(classes) | {"": NO_CLASS}
    cells = [_spelled(cell) for cell in table.cells[column]]
    found = [codes.get(cell, codes.get(cell.lower())) for cell in cells]
    if unknown := sorted({cell for cell, code in zip(cells, found, strict=True) if code is None}):
        number = plural(len(unknown), "value that is", "values that are")
        raise UserError(
            f"{table.path}: column {one_line(column)} has {number} no class of the folder: {shortlist(unknown, 3)}; its classes "
            f"are {shortlist(list(classes))}"
        )
    return np.array(found, dtype=np.int64)


def number_columns(table: TableFile, columns: list[str]) -> Floats:
    """(N, K) numbers of columns; rows are NaN where all of their cells are empty.

    Raises:
        UserError: A cell is no number, and the others of its row are not all empty.
    """
    cells = list(zip(*(table.cells[column] for column in columns), strict=True))
    numbers = np.array(list(zip(*(table.numbers(column) for column in columns), strict=True)), dtype=np.float64)
    filled = np.array([any(row) for row in cells])
    if len(wrong := np.argwhere(~np.isfinite(numbers) & filled[:, None])):
        row, k = wrong[0].tolist()
        raise UserError(
            f"{table.path}: {one_line(cells[row][k]) or 'an empty cell'} in row {row + 1} below the head is no number; column "
            f"{one_line(columns[k])} must hold probabilities"
        )
    return numbers
