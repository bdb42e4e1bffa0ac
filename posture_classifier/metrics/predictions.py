"""What a model predicted for the photos of a split."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from posture_classifier.utils.types import Floats, Ints

Known = Literal["label", "confidence", "probabilities"]
"""How much is known of a prediction: the class that is said, its probability too, or those of all
classes. Programs that write the most probable classes alone leave the others unknown."""


@dataclass(frozen=True)
class Predictions:
    """True classes and predicted probabilities of a split's photos, each once, in order of index.

    Attributes:
        indices: (N,) positions in the split.
        labels: (N,) true classes.
        probabilities: (N, C) predicted probabilities; each row sums to 1.
        known: How much of them is known. The class that is said has the largest number of its row,
            and the numbers of which nothing is known only fill the rows.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
        >>> predictions = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities)
        >>> predictions.predicted
        array([0, 1, 0])
        >>> predictions.confusion
        array([[1, 0],
               [1, 1]])
    """

    indices: Ints
    labels: Ints
    probabilities: Floats
    known: Known = "probabilities"

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
    def correct(self) -> npt.NDArray[np.bool_]:
        """(N,) whether the most probable class is the true one."""
        result: npt.NDArray[np.bool_] = self.predicted == self.labels
        return result

    @property
    def confusion(self) -> Ints:
        """(C, C) counts; rows are true classes, columns predicted ones."""
        result = np.zeros((self.probabilities.shape[1],) * 2, dtype=np.int64)
        np.add.at(result, (self.labels, self.predicted), 1)
        return result

    @property
    def confidence(self) -> Floats:
        """(N,) probability of the most probable class."""
        result: Floats = self.probabilities.max(1)
        return result

    @property
    def losses(self) -> Floats:
        """(N,) negative log-probability of the true class, in nats, 27.6 at most."""
        chosen = self.probabilities[np.arange(len(self.labels)), self.labels]
        return -np.log(np.maximum(chosen, 1e-12))

    @property
    def losses_of_mistakes(self) -> Floats:
        """(N,) what a photo's loss would be if its class were the second most probable."""
        several = self.probabilities.shape[1] > 1
        second = np.sort(self.probabilities, axis=1)[:, -2] if several else np.zeros(len(self.labels))
        result: Floats = -np.log(np.maximum(second, 1e-12))
        return result
