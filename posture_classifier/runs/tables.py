"""Reads ``metrics.csv`` and ``split.csv`` of a run, which somebody may have edited."""

from pathlib import Path

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows


def read_split_rows(path: Path) -> list[dict[str, str]]:
    """Rows of ``split.csv``; none where there is no such file.

    Raises:
        UserError: The file is damaged.
    """
    return read_rows(path, ["path", "split", "label", "group"])


def read_curves(path: Path) -> list[dict[str, str]]:
    """Rows of ``metrics.csv``, one an epoch: numbers, and empty cells; none without a file.

    Raises:
        UserError: The file is damaged.
    """
    rows = read_rows(path, ["epoch", "seconds"])
    try:
        for row in rows:
            _ = [int(row["epoch"]), float(row["seconds"]), *(float(cell) for cell in row.values() if cell)]
            if int(float(row.get("stages_open") or 0)) < 0:
                raise ValueError("stages_open is below 0")
    except (ValueError, OverflowError) as error:
        raise UserError(f"{path} is damaged: {error}; put back what the run wrote, or remove it") from error
    return rows
