"""The photos that a table lists, for ``predict``: a row each, under the table's own paths."""

from collections.abc import Iterator
from pathlib import Path

from posture_classifier.data.left_out import LeftOutCounts
from posture_classifier.data.photo_table import TABLE_SUFFIXES, folder_of_table
from posture_classifier.images.photo_inputs import Photo
from posture_classifier.images.photo_source import check_protocol, classifier_input, has_secret, is_url, photo_file
from posture_classifier.predict.photo_list import PhotoList
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.parquet import SUFFIX, iterate_parquet, parquet_columns, require_pyarrow
from posture_classifier.utils.tables import PATH, find_separator, iterate_table
from posture_classifier.utils.text import shortlist


class TableList(PhotoList):
    """The photos in the column ``path`` of a table, in its order; one that is there twice is twice.

    Relative paths are below the table's folder, as for ``fit``. The rows are read anew for each
    walk, and none is kept.

    Args:
        table: A ``.csv`` or ``.parquet`` file.

    Raises:
        UserError: The file is no such table, or a row has no path, or a URL that cannot be read.
    """

    def __init__(self, table: Path) -> None:
        self.paths = [str(table)]
        self._table = table
        self._check_rows()

    def walk(self, left_out: LeftOutCounts) -> Iterator[str]:
        """Walk; a table leaves nothing out."""
        return self._rows()

    def file(self, photo: str) -> str:
        """The whole path of a photo, or its URL."""
        return photo_file(Path(folder_of_table(self._table)), photo)

    def source(self, photo: str) -> Photo:
        """A photo as a classifier takes it, which fetches those behind URLs."""
        return classifier_input(self.file(photo))

    def _rows(self) -> Iterator[str]:
        try:
            if self._table.suffix.lower() == SUFFIX:
                require_pyarrow("give the table as .csv")
                self._check_columns(parquet_columns(self._table))
                yield from (path for (path,) in iterate_parquet(self._table, [PATH]))
            else:
                for number, row in enumerate(iterate_table(self._table, (), find_separator(self._table))):
                    if number == 0:
                        self._check_columns(list(row))
                    yield row[PATH]
        except (OSError, ValueError) as error:
            raise UserError(f"the table {self._table} cannot be read: {error}") from error

    def _check_columns(self, names: list[str]) -> None:
        if PATH not in names:
            raise UserError(
                f"the table {self._table} needs the column {PATH}, for the photos' files; it has {shortlist(names, 12)}"
            )

    def _check_rows(self) -> None:
        """Refuse before the first photo what would stop the work at some later row."""
        protocols: set[str] = set()
        for number, path in enumerate(self._rows(), 1):
            where = f"row {number} of photos in the table {self._table}"
            if not path:
                raise UserError(f"{where} has no {PATH}; fill it in, or remove the row")
            if not is_url(path):
                continue
            if (protocol := path.partition("://")[0]) not in protocols:
                check_protocol(path)
                protocols.add(protocol)
            if has_secret(path):
                raise UserError(f"{where} has a URL with a password or signature, which predictions would repeat; take it out")


def list_photos(paths: list[str]) -> PhotoList:
    r"""The photos that a command line stands for: those of a table, or files, folders and patterns.

    Raises:
        UserError: One of the paths does not exist, or a table is not alone or not as it must be.

    Example:
        >>> _ = Path("mine.csv").write_text("path,taken\nleft/person0_0.png,2026\n")
        >>> list(list_photos(["mine.csv"]))
        ['left/person0_0.png']
    """
    tables = [path for path in paths if Path(path).suffix.lower() in TABLE_SUFFIXES and Path(path).is_file()]
    if not tables:
        return PhotoList(paths)
    if len(paths) > 1:
        raise UserError(
            f"{tables[0]} is a table, whose rows keep its own paths; give it alone, and each other table or folder, too"
        )
    return TableList(Path(tables[0]))
