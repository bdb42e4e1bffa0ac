"""Reads the table that a program wrote, and its cells as texts, classes or numbers."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import find_separator, read_table
from posture_classifier.utils.text import normalise_name, one_line, plural, shortlist
from posture_classifier.utils.types import Floats, Ints

SUFFIXES = (".csv", ".tsv", ".txt")
UNNAMED = "unnamed"
"""Name of a column whose head is empty, such as the index that pandas writes."""
NO_CLASS = -1
"""Code of an empty cell."""


@dataclass(frozen=True)
class TableFile:
    """A table of texts.

    Attributes:
        path: The file.
        cells: The N cells of each column, without spaces around them, by the column's name.
        decimal_comma: Whether numbers have a comma, as where a semicolon separates cells.
    """

    path: Path
    cells: dict[str, list[str]]
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.cells.values())))

    @property
    def columns(self) -> str:
        """Names of the columns, for messages."""
        return shortlist(list(self.cells), 12)

    def numbers(self, column: str) -> list[float | None]:
        """The cells of a column as numbers; None where a cell holds none. ``12 %`` is 12."""
        return [self._number(cell) for cell in self.cells[column]]

    def _number(self, cell: str) -> float | None:
        text = cell.removesuffix("%").strip()
        try:
            return float(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            return None


def read_table_file(path: Path) -> TableFile:
    """Read a file with a head line, separated by commas, tabs or semicolons.

    Raises:
        UserError: It is no such file, or has no row.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path} must be a table that ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}")
    try:
        separator = find_separator(path)
        rows = read_table(path, (), separator, UNNAMED)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as a table: {error}") from error
    if not rows:
        raise UserError(f"{path} has no row below its head line")
    cells = {name: [row[name].strip() for row in rows] for name in rows[0]}
    return TableFile(path, cells, decimal_comma=separator == ";")


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
