"""Accuracies of networks, read from runs or from a table."""

import csv
import json
from pathlib import Path
from typing import NamedTuple

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.paths import matching_paths


class Accuracy(NamedTuple):
    """A share of photos, 0 to 1, with its interval where there is one."""

    value: float
    low: float | None = None
    high: float | None = None


def read_accuracies(source: str) -> dict[str, Accuracy]:
    """Read the accuracies of networks.

    Args:
        source: A .csv file with the columns name, accuracy and perhaps low and high; or a pattern
            of run folders, whose ``summary.json`` holds all four.

    Returns:
        Accuracies by name. Several of one network are their mean, with an interval that covers all
        of theirs.

    Raises:
        UserError: There is no such file, or it lacks these columns.
    """
    found = _from_table(Path(source)) if source.endswith(".csv") else _from_runs(source)
    return {name: _mean(several) for name, several in found.items()}


def _from_table(path: Path) -> dict[str, list[Accuracy]]:
    found: dict[str, list[Accuracy]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel writes a byte order mark
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"--accuracy {path} cannot be read as a table; give a .csv file or a pattern of run folders") from error
    for number, row in enumerate(rows, 2):
        try:
            low, high = (float(text) if (text := row.get(column)) else None for column in ("low", "high"))
            accuracy = Accuracy(float(row["accuracy"]), low, high)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"--accuracy {path}, line {number}: give the columns name, accuracy and perhaps low and high"
            ) from error
        if not row.get("name") or not all(0 <= value <= 1 for value in accuracy if value is not None):
            raise UserError(f"--accuracy {path}, line {number}: give a name, and accuracies as shares from 0 to 1")
        found.setdefault(row["name"], []).append(accuracy)
    if not found:
        raise UserError(f"--accuracy {path} has no rows; give the columns name, accuracy and perhaps low and high")
    return found


def _from_runs(pattern: str) -> dict[str, list[Accuracy]]:
    found: dict[str, list[Accuracy]] = {}
    for folder in matching_paths(pattern):
        path = folder / "summary.json"
        if not path.is_file():
            continue  # a run that was stopped before its test
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
            estimate = summary["accuracy"]
            accuracy = Accuracy(estimate["value"], estimate["low"], estimate["high"])
            found.setdefault(summary["backbone"], []).append(accuracy)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"{path} is not the summary of a run; leave that folder out of --accuracy") from error
    if not found:
        raise UserError(
            f"--accuracy {pattern} matches no finished run; give a .csv file or run folders such as 'lightning_logs/*/version_*'"
        )
    return found


def _mean(several: list[Accuracy]) -> Accuracy:
    lows = [low for _, low, _ in several if low is not None]
    highs = [high for _, _, high in several if high is not None]
    mean = sum(value for value, _, _ in several) / len(several)
    return Accuracy(mean, min(lows, default=None), max(highs, default=None))
