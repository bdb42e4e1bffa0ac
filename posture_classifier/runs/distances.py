"""``distances.csv``: how unlike the training photos the photos of a split are."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.runs.names import DISTANCES_CSV
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import read_table, write_rows
from posture_classifier.utils.types import Floats

COLUMNS = ["path", "group", "distance"]


@dataclass(frozen=True)
class DistanceTable:
    """The distances of N photos from those that were trained on.

    Attributes:
        paths: (N,) paths below the folder of the photos.
        groups: (N,) names of the groups.
        distances: (N,) distances, 0 or more.
    """

    paths: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    distances: Floats

    def write(self, folder: Path) -> None:
        """Write a row per photo into the folder of the split; all of the file or nothing."""
        columns = (self.paths.tolist(), self.groups.tolist(), (f"{distance:.9g}" for distance in self.distances))
        folder.mkdir(exist_ok=True)
        with atomic_write(folder / DISTANCES_CSV) as temporary:
            write_rows((dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)), COLUMNS, temporary)


def read_distances(folder: Path) -> DistanceTable | None:
    """Read what ``write`` wrote into the folder of a split; None if it is missing or damaged."""
    try:
        rows = read_table(folder / DISTANCES_CSV, COLUMNS)
        paths, groups = (np.array([row[name] for row in rows], dtype=np.str_) for name in COLUMNS[:2])
        distances = np.array([row["distance"] for row in rows]).astype(np.float64)
    except (OSError, ValueError):
        return None
    return DistanceTable(paths, groups, distances) if len(rows) and bool((distances >= 0).all()) else None
