"""``predictions.csv``: the only code that writes it and that reads it."""

from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import atomic_write
from posture_classifier.utils.tables import read_table, write_rows
from posture_classifier.utils.types import Ints

OWN_COLUMNS = ("path", "group", "fold", "label")
"""Columns of the file, beside one for each class."""


class NotTestedError(UserError):
    """A run has no complete test results: it was stopped, still runs, or has no test photos."""


@dataclass(frozen=True)
class PredictionTable:
    """The predictions of N photos.

    Attributes:
        paths: (N,) paths below the folder of the photos.
        groups: (N,) names of the groups.
        classes: Class names in the order of the labels.
        predictions: True labels and predicted probabilities.
        folds: (N,) the fold that tested each photo; None outside of a cross-validation.
    """

    paths: npt.NDArray[np.str_]
    groups: npt.NDArray[np.str_]
    classes: list[str]
    predictions: Predictions
    folds: Ints | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def grouped(self) -> bool:
        """Whether any photo shares its group with another."""
        return len(np.unique(self.groups)) < len(self.groups)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the most probable class is the true one."""
        return self.predictions.correct

    @property
    def fold_numbers(self) -> list[int]:
        """The folds that occur; none outside of a cross-validation."""
        return [] if self.folds is None else np.unique(self.folds).tolist()

    def select(self, chosen: npt.NDArray[np.bool_] | Ints) -> "PredictionTable":
        """The predictions of some photos, by a mask (N,), or by their indices in another order."""
        known, paths = self.predictions, self.paths[chosen]
        predictions = Predictions(np.arange(len(paths)), known.labels[chosen], known.probabilities[chosen], known.known)
        folds = None if self.folds is None else self.folds[chosen]
        return PredictionTable(paths, self.groups[chosen], self.classes, predictions, folds)

    def worst_groups(self) -> list[tuple[str, int, int]]:
        """Each group with its numbers of right photos and of photos, the worst first."""
        names, codes, photos = np.unique(self.groups, return_inverse=True, return_counts=True)
        right = np.bincount(codes, weights=self.correct).astype(np.int64)
        worst_first = np.lexsort((names, right - photos, right / photos))
        return [(str(names[group]), int(right[group]), int(photos[group])) for group in worst_first]

    def write(self, path: Path) -> None:
        """Write a row per photo: path, group, fold if any, label, probability of every class.

        All of the file is written or, at a kill or with a full disk, nothing.
        """
        known: dict[str, npt.NDArray[Any]] = {"path": self.paths, "group": self.groups}
        if self.folds is not None:
            known["fold"] = self.folds
        known["label"] = np.array(self.classes)[self.predictions.labels]
        columns = [*known, *self.classes]
        shares = ((f"{share:.9g}" for share in row) for row in self.predictions.probabilities)
        rows = (dict(zip(columns, [*cells, *row], strict=True)) for *cells, row in zip(*known.values(), shares, strict=True))
        path.parent.mkdir(exist_ok=True)
        with atomic_write(path) as temporary:
            write_rows(rows, columns, temporary)


def read_prediction_table(path: Path) -> PredictionTable:
    """Read a table of predictions, sorted by the photos' paths.

    Raises:
        NotTestedError: The file is missing, is no such table, or was not written to its end.
    """
    try:
        rows = sorted(read_table(path, ["path", "group", "label"]), key=itemgetter("path"))
        columns = {name: np.array([row[name] for row in rows], dtype=np.str_) for name in rows[0]}
        classes = [name for name in columns if name not in OWN_COLUMNS]
        labels = np.array([classes.index(label) for label in columns["label"]], dtype=np.int64)
        probabilities = np.stack([columns[name] for name in classes], 1).astype(np.float64)
        if not np.allclose(probabilities.sum(1), 1, atol=0.01) or probabilities.min() < 0:  # nor is NaN close
            raise ValueError
        folds = columns["fold"].astype(np.int64) if "fold" in columns else None
        predictions = Predictions(np.arange(len(labels)), labels, probabilities)
        return PredictionTable(columns["path"], columns["group"], classes, predictions, folds)
    except (OSError, ValueError, IndexError) as error:
        raise NotTestedError(f"{path} is damaged or not complete: the run was stopped while it wrote; test it again") from error
