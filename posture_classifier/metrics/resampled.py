"""What metrics are made of, in the sample and in every bootstrap resample of its groups."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import BINS, confidence_bins
from posture_classifier.utils.types import Floats, Ints


@dataclass(frozen=True)
class Resampled:
    """Predictions of N photos, and how often each bootstrap resample holds each group.

    Attributes:
        predictions: N photos of C classes.
        codes: (N,) number of each photo's group.
        weights: (1 + R, G) multiplicity of each group; the first row is the sample itself.
    """

    predictions: Predictions
    codes: Ints
    weights: Floats

    def total(self, values: npt.NDArray[np.generic] | None = None) -> Floats:
        """(1 + R,) sum of a value (N,) of each photo; None counts the photos."""
        return self.weights @ np.bincount(self.codes, weights=values, minlength=self.weights.shape[1])

    @cached_property
    def per_class(self) -> tuple[Floats, Floats, Floats]:
        """(1 + R, C) photos by class: those that are right, of the class, predicted as it."""
        labels, correct = self.predictions.labels, self.predictions.correct
        return self._counts(labels[correct], correct), self._counts(labels), self._counts(self.predictions.predicted)

    def _counts(self, classes: Ints, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> Floats:
        # Counts per group and class rather than confusion matrices: with a thousand classes those
        # would not fit into memory.
        counts = np.zeros((self.weights.shape[1], self.predictions.probabilities.shape[1]))
        np.add.at(counts, (self.codes[chosen], classes), 1)
        return self.weights @ counts

    @cached_property
    def calibration_gaps(self) -> Floats:
        """(1 + R, BINS) terms of the calibration error: share of right photos less confidence."""
        gaps = np.zeros((self.weights.shape[1], BINS))
        excess = self.predictions.correct - self.predictions.confidence
        np.add.at(gaps, (self.codes, confidence_bins(self.predictions)), excess)
        return (self.weights @ gaps) / self.total()[:, None]
