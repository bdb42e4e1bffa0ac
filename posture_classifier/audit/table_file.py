"""Reads the table that a program wrote, whichever program and separator."""

from dataclasses import dataclass
from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import find_separator, read_table
from posture_classifier.utils.text import shortlist

SUFFIXES = (".csv", ".tsv", ".txt")
UNNAMED = "unnamed"
"""Name of a column whose head is empty, such as the index that pandas writes."""


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
