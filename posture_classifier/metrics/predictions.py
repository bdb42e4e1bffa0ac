"""What a model said about the photos of a split."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.utils.types import Floats, Ints


@dataclass(frozen=True)
class Predictions:
    """What a model said about the photos of a split, each once, in order of index.

    Attributes:
        indices: (N,) positions in the split.
        labels: (N,) true classes.
        probabilities: (N, C), rows sum to 1.
    """

    indices: Ints
    labels: Ints
    probabilities: Floats

    @classmethod
    def unique(cls, indices: Ints, labels: Ints, probabilities: npt.NDArray[np.float32]) -> "Predictions":
        """Sort by index and keep each photo once."""
        indices, first = np.unique(indices, return_index=True)
        return cls(indices, labels[first], probabilities[first].astype(np.float64))

    @property
    def predicted(self) -> Ints:
        """(N,) the most probable class."""
        result: Ints = self.probabilities.argmax(1)
        return result

    @property
    def confusion(self) -> Ints:
        """(C, C) counts; rows are true classes, columns predicted ones."""
        result = np.zeros((self.probabilities.shape[1],) * 2, dtype=np.int64)
        np.add.at(result, (self.labels, self.predicted), 1)
        return result

    @property
    def accuracy(self) -> float:
        """Share of photos whose most probable class is the true one."""
        return float((self.predicted == self.labels).mean())

    @property
    def macro_f1(self) -> float:
        """Mean over classes of the harmonic mean of precision and recall."""
        table = self.confusion.astype(np.float64)
        return float(mean_over_classes(2 * table.diagonal()[None], (table.sum(0) + table.sum(1))[None])[0])

    @property
    def confidence(self) -> Floats:
        """(N,) probability of the most probable class."""
        result: Floats = self.probabilities.max(1)
        return result

    @property
    def losses(self) -> Floats:
        """(N,) negative log-probability of the true class, in nats, 27.6 at most."""
        chosen = self.probabilities[np.arange(len(self.labels)), self.labels]
        result: Floats = -np.log(np.maximum(chosen, 1e-12))
        return result

    @property
    def log_loss(self) -> float:
        """Mean negative log-probability of the true class, in nats."""
        return float(self.losses.mean())


def mean_over_classes(numerator: Floats, denominator: Floats) -> Floats:
    """Mean of the ratios (D, C) over the classes that occur; (D,)."""
    with np.errstate(invalid="ignore"):
        result: Floats = np.nanmean(np.where(denominator > 0, numerator / denominator, np.nan), axis=1)
    return result
