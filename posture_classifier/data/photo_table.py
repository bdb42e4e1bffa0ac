"""A table that lists photos by the columns ``path`` and ``label``, perhaps ``group`` and ``split``.

Its rows are read one by one into arrays, since a Python object for each photo takes more memory
than all letters of its path.
"""

import os
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import RESERVED, SPLIT_FOLDERS, Photos, own_names
from posture_classifier.data.split import SPLITS
from posture_classifier.data.string_array import StringArray
from posture_classifier.data.table_faults import TableFaults
from posture_classifier.images.photo_source import check_protocol, has_secret, is_url
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.parquet import SUFFIX, iterate_parquet, parquet_columns, require_pyarrow
from posture_classifier.utils.tables import find_separator, iterate_table
from posture_classifier.utils.text import normalise_name, shortlist
from posture_classifier.utils.types import Ints

COLUMNS = ("path", "label", "group", "split")
NEEDED = COLUMNS[:2]
TABLE_SUFFIXES = (".csv", SUFFIX)
NO_SPLIT = len(SPLITS)
Row = tuple[str, ...]
"""Cells of ``COLUMNS``; those of a column that the table does not have are empty."""


def folder_of_table(table: Path) -> str:
    """The folder that paths in a table are relative to where ``data.root`` does not say it."""
    return str(table.parent)


def read_photo_table(table: Path, root: Path, missing: bool = False) -> Photos:
    r"""Index the photos that a table lists, in order of their paths.

    Labels are names of classes, also where they are numbers.

    Args:
        table: A ``.csv`` file in UTF-8, with commas, semicolons or tabs, or a ``.parquet`` file.
            It has the columns ``path`` and ``label``, perhaps ``group`` (the person or session) and
            ``split`` (``train``, ``val`` or ``test``; ``valid`` and ``validation`` are other names
            for ``val``), and any others, which are passed over.
        root: The folder that paths are relative to; absolute paths and URLs stay as they are.
        missing: Whether to take files that are not there, for others to report.

    Raises:
        UserError: The file is no such table, there is one class only, or rows cannot be used; the
            message names them.

    Example:
        >>> rows = ["path,label,group", "right/person1_0.png,1,ben", "left/person0_0.png,0,anna"]
        >>> _ = Path("photos.csv").write_text("\n".join(rows))
        >>> photos = read_photo_table(Path("photos.csv"), Path("photos"))
        >>> photos.paths[0], photos.classes, photos.groups.tolist()
        ('left/person0_0.png', ('0', '1'), ['anna', 'ben'])
    """
    reading = _Reading(table, root, missing)
    try:
        paths = StringArray(reading)
    except (OSError, ValueError) as error:
        raise UserError(f"data.table {table} cannot be read: {error}") from error
    if not len(paths):
        raise UserError(f"data.table {table} has no row of a photo; it needs the columns {' and '.join(NEEDED)}, and rows")
    reading.check_whole_columns(len(paths))
    order = np.arange(len(paths)) if reading.ascends else paths.order()
    paths = paths[order]
    if not reading.ascends:
        _note_repeated(paths, order, reading.faults)
    reading.faults.refuse()
    classes, labels = _sorted_names(reading.labels, order)
    _check_classes(table, classes)
    grouped = bool(reading.groups.names)
    return Photos(
        root=root,
        classes=classes,
        paths=paths,
        labels=labels,
        groups=StringArray(reading.groups.names, reading.groups.of_rows[order]) if grouped else own_names(paths),
        splits=_splits(table, reading.splits, order),
        grouped=grouped,
        rows=np.arange(len(paths)),
        table=table,
    )


class _Names:
    """A column of few distinct names: (N,) numbers, and the names in Unicode's composed form."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._codes = array("q")

    def add(self, cell: str) -> None:
        code = self._known.get(cell)
        if code is None:
            name = normalise_name(cell.strip())
            code = self._known[cell] = self.names.setdefault(name, len(self.names))
        self._codes.append(code)

    @property
    def of_rows(self) -> Ints:
        return np.frombuffer(self._codes, dtype=np.int64)


class _Reading:
    """Iterates over the paths of a table, and keeps what else the rows say.

    It ``ascends`` as long as the paths come in their order, each once. The groups have no names if
    the table has none. ``splits`` has the index into ``SPLITS`` of each row, or ``NO_SPLIT``.
    """

    def __init__(self, table: Path, root: Path, missing: bool) -> None:
        self._rows = _rows(table)
        self._root, self._missing = root, missing
        self._below = os.path.join(os.path.abspath(root), "")
        self._protocols: set[str] = set()
        self.ascends = True
        self.labels, self.groups, self.splits = _Names(), _Names(), bytearray()
        self.faults = TableFaults(table, root, first_row=1 if table.suffix.lower() == SUFFIX else 2)

    def __iter__(self) -> Iterator[str]:
        last = ""
        for row, (cell, label, group, split) in enumerate(self._rows):
            path = self._path(cell, row)
            self._note_label(label, row, path)
            if group.strip():
                self.groups.add(group)
            else:
                self.faults.note("no_group", row, path)
            self.splits.append(self._split(split.strip(), row, path))
            self.ascends &= last < path
            last = path
            yield path

    def _path(self, cell: str, row: int) -> str:
        if not cell:
            self.faults.note("no_path", row)
        elif is_url(cell):
            return self._url(cell, row)
        path = os.path.normpath(cell)
        if os.path.isabs(path):
            path = path.removeprefix(self._below)
        elif path.startswith("..") and path.split(os.sep)[0] == "..":
            self.faults.note("outside", row, cell)
        if not self._missing and not os.path.isfile(os.path.join(self._root, path)):
            self.faults.note("missing", row, cell)
        return path if os.sep == "/" else path.replace(os.sep, "/")

    def _url(self, url: str, row: int) -> str:
        protocol = url.partition("://")[0]
        if protocol not in self._protocols:
            check_protocol(url)
            self._protocols.add(protocol)
        if ("@" in url or "=" in url) and has_secret(url):
            self.faults.note("secret", row)
        return url

    def _note_label(self, label: str, row: int, path: str) -> None:
        if not label.strip():
            self.faults.note("no_label", row, path)
        elif not label.isascii() and any("\ud800" <= letter <= "\udfff" for letter in label):
            self.faults.note("not_utf8", row, path)
        self.labels.add(label)

    def _split(self, cell: str, row: int, path: str) -> int:
        if not cell:
            self.faults.note("no_split", row, path)
        elif (split := SPLIT_FOLDERS.get(cell.lower())) is not None:
            return SPLITS.index(split)
        else:
            self.faults.note("unknown_split", row, f"{path} {cell}")
        return NO_SPLIT

    def check_whole_columns(self, n: int) -> None:
        """A column that is empty from top to bottom says nothing, and is as good as none."""
        for kind in ("no_group", "no_split"):
            if self.faults.counts[kind] == n:
                del self.faults.counts[kind]


def _rows(table: Path) -> Iterator[Row]:
    """The rows of a table, one by one.

    Raises:
        OSError: It cannot be opened.
        ValueError: It is no table.
        UserError: It lacks a column.
    """
    if table.suffix.lower() not in TABLE_SUFFIXES:
        raise UserError(f"data.table {table} must end in {' or '.join(TABLE_SUFFIXES)}")
    if table.suffix.lower() == SUFFIX:
        require_pyarrow("give the table as .csv")
        _check_columns(table, parquet_columns(table))
        yield from iterate_parquet(table, COLUMNS)
        return
    rows = iterate_table(table, (), find_separator(table))
    for number, row in enumerate(rows):
        if number == 0:
            _check_columns(table, list(row))
        yield row["path"], row["label"], row.get("group", ""), row.get("split", "")


def _check_columns(table: Path, names: list[str]) -> None:
    """Refuse a table without the columns, or with one whose name is a slip of theirs."""
    for column in COLUMNS:
        alike = [name for name in names if name.strip().lower().removesuffix("s") == column]
        if column not in names and alike:
            raise UserError(f"data.table {table} has the column {alike[0]!r}; call it {column}, or otherwise")
        if column not in names and column in NEEDED:
            raise UserError(f"data.table {table} needs the columns {' and '.join(NEEDED)}; it has {shortlist(names, 12)}")


def _note_repeated(paths: StringArray, order: Ints, faults: TableFaults) -> None:
    last = None
    for row, path in zip(order, paths, strict=True):
        if path == last:
            faults.note("repeated", int(row), path)
        last = path


def _sorted_names(column: _Names, order: Ints) -> tuple[tuple[str, ...], Ints]:
    """The names in alphabetical order, and the index (N,) of each photo's among them."""
    names = list(column.names)
    ranks = np.empty(len(names), dtype=np.int64)
    ranks[np.argsort(np.array(names))] = np.arange(len(names))
    return tuple(sorted(names)), ranks[column.of_rows[order]]


def _check_classes(table: Path, classes: tuple[str, ...]) -> None:
    if len(classes) == 1:
        raise UserError(f"data.table {table} has one class only ({classes[0]}); a classifier needs at least two")
    if clashing := sorted(RESERVED & set(classes)):
        raise UserError(
            f"data.table {table}: a class cannot be called {clashing[0]}, since predictions have a column of that name; rename it"
        )


def _splits(table: Path, codes: bytearray, order: Ints) -> npt.NDArray[np.str_]:
    """(N,) the split of each photo; empty if the table names none."""
    splits = np.array([*SPLITS, ""], dtype="<U5")[np.frombuffer(codes, dtype=np.uint8)[order]]
    present = [split for split in SPLITS if (splits == split).any()]
    if present and ("train" not in present or len(present) < 2):
        raise UserError(f"data.table {table} has the split {' and '.join(present)}; expected train with val or test beside it")
    return splits
