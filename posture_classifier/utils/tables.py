"""Tables as .csv or .jsonl files: the only code that writes and reads them.

A spreadsheet program takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula and
computes it, whoever named the file. So in .csv files such a path is written as ``./=1.jpg``, which
is the same file for every program, and any other such text with an apostrophe before it, which
spreadsheet programs do not show. Numbers stay as they are. Reading takes both away again.

Excel takes a .csv file for one of the system's old encodings, in which Korean names are rubbish,
unless it begins with a byte order mark. So a table with anything but ASCII begins with one, and
reading passes over it. Without such names there is none, for programs that know no such mark.
"""

import codecs
import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.stop import Cause, StopFunction

# The full-width forms count too, and so do apostrophes before: otherwise '=1 and =1 would be
# written alike.
FORMULA = re.compile("'*[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-]")
SEPARATORS = (",", "\t", ";")
PATH = "path"
"""Column whose cells are files."""


def write_rows(rows: Iterable[dict[str, Any]], columns: list[str], output: Path) -> None:
    """Write a table as .csv or .jsonl; what is None is an empty cell or null."""
    buffer = BytesIO()
    # The bytes of a name that is no UTF-8 are written as they are.
    text = TextIOWrapper(buffer, newline="", encoding="utf-8", errors="surrogateescape")
    if output.suffix != ".jsonl":
        text.write(header(columns))
    text.writelines(record(row, columns, output.suffix) for row in rows)
    text.flush()
    content = buffer.getvalue()
    with output.open("wb") as file:
        if output.suffix != ".jsonl" and not content.isascii():
            file.write(codecs.BOM_UTF8)
        file.write(content)


def record(row: dict[str, Any], columns: list[str], suffix: str) -> str:
    r"""A row as it stands in a table, with its line end.

    Args:
        row: Cells by column; what is None is an empty cell or null.
        columns: Columns of the table.
        suffix: ``.csv`` or ``.jsonl``.

    Example:
        >>> record({"path": "a.jpg", "sure": True}, ["path", "sure", "error"], ".csv")
        'a.jpg,True,\n'
    """
    if suffix == ".jsonl":
        return json.dumps(row, ensure_ascii=False) + "\n"
    cells = [_harmless(row.get(column), column) for column in columns]
    # Before 3.13 Python does not quote a carriage return, at which it ends a line on reading.
    in_quotes = any(isinstance(cell, str) and "\r" in cell for cell in cells)
    line = StringIO(newline="")
    csv.writer(line, lineterminator="\n", quoting=csv.QUOTE_ALL if in_quotes else csv.QUOTE_MINIMAL).writerow(cells)
    return line.getvalue()


def header(columns: list[str]) -> str:
    """The first line of a .csv table."""
    return record(dict(zip(columns, columns, strict=True)), columns, ".csv")


def read_record(text: str, columns: list[str], suffix: str) -> dict[str, Any]:
    """The row that ``record`` wrote; cells of a .csv table are texts.

    Raises:
        ValueError: It is no such row, or only a part of one.
    """
    if not text.endswith("\n"):
        raise ValueError("a line without its end")
    if suffix == ".jsonl":
        row = json.loads(text)
        if not isinstance(row, dict) or list(row) != columns:
            raise ValueError("other columns")
        return row
    try:
        rows = list(csv.reader(StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(rows) != 1:
        raise ValueError("several rows")
    return {column: _original(cell, column) for column, cell in zip(columns, rows[0], strict=True)}


def rows_so_far(rows: list[dict[str, Any]], columns: list[str], output: Path | None, of: str) -> StopFunction:
    """What to do when the program is stopped: write the rows that there are, in a whole file.

    The list of rows grows, until it holds ``of``, such as ``100 photos``. Without an output nothing
    is written.
    """

    def write(_: Cause) -> str | None:
        if output is None or not rows:
            return f"{len(rows)} of {of} were done"
        done = list(rows)
        with atomic_write(output) as temporary:
            write_rows(done, columns, temporary)
        return f"{len(done)} of {of} are in {output}; for all, the same command with --overwrite true"

    return write


def _harmless(cell: Any, column: str) -> Any:
    """A cell that no spreadsheet program takes for a formula."""
    if not isinstance(cell, str) or not FORMULA.match(cell) or _is_number(cell):
        return cell
    return f"./{cell}" if column == PATH else f"'{cell}"


def _original(cell: str, column: str) -> str:
    """The cell that was made harmless."""
    mark = "./" if column == PATH else "'"
    return cell.removeprefix(mark) if cell.startswith(mark) and FORMULA.match(cell, len(mark)) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def find_separator(path: Path) -> str:
    """What stands between the cells of a file with a head line: a comma, a tab or a semicolon.

    Raises:
        OSError: It cannot be opened.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
        head = file.readline()
    return max(SEPARATORS, key=head.count)


def iterate_table(path: Path, columns: Collection[str], separator: str = ",", unnamed: str = "") -> Iterator[dict[str, str]]:
    """Read the rows of a .csv file one by one, as ``read_table`` does; its arguments are the same.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no such table; the message says where, without the file's name.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
            reader = csv.reader(file, delimiter=separator)
            names = [_original(name, "") or unnamed for name in next(reader, [])]
            if not set(columns) <= set(names):
                raise ValueError(f"it needs the {'column' if len(columns) == 1 else 'columns'} {' and '.join(columns)}")
            empty = dict.fromkeys(filter(None, names), "")
            for cells in filter(None, reader):
                row = empty | {name: _original(cell, name) for name, cell in zip(names, cells, strict=False) if name}
                if columns and not row[next(iter(columns))]:
                    raise ValueError(f"line {reader.line_num} has no {next(iter(columns))}")
                yield row
    except csv.Error as error:
        raise ValueError(str(error)) from error


def read_table(path: Path, columns: Collection[str], separator: str = ",", unnamed: str = "") -> list[dict[str, str]]:
    """Read the rows of a .csv file; a cell that is missing is empty.

    Args:
        path: The file; a byte order mark, as Excel writes it, is no part of the table.
        columns: Columns that it must have; no cell of the first may be empty.
        separator: What stands between cells.
        unnamed: Name of a column that has none; by default it is passed over.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no such table; the message says where, without the file's name.
    """
    return list(iterate_table(path, columns, separator, unnamed))


def read_rows(path: Path, columns: Collection[str] = ()) -> list[dict[str, str]]:
    """The rows of a table of a run; none where there is no such file.

    Args:
        path: The file.
        columns: Columns that it must have; no cell of the first may be empty.

    Raises:
        UserError: It is no such table.
    """
    if not path.is_file():
        return []
    try:
        return read_table(path, columns)
    except ValueError as error:
        raise UserError(f"{path} is damaged: {error}; put back what the run wrote, or remove it") from error
