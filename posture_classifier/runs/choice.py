"""On which photos a temperature and thresholds are chosen: never on those that judge them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.temperature_scaling import fit_temperature, rescale
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats


@dataclass(frozen=True)
class Choice:
    """The photos that choose a number, such as a threshold, and which photos judge it.

    Attributes:
        predictions: Predictions of the photos that choose the number to be used from now on.
        parts: For each part of the N evaluated photos, a mask (N,), and the predictions that choose
            the number which that part judges.
        photos: The choosing photos in words, such as ``90 validation photos``.
        judged: What the number is judged on, in words: ``the test photos``.
    """

    predictions: Predictions
    parts: list[tuple[npt.NDArray[np.bool_], Predictions]]
    photos: str
    judged: str

    @classmethod
    def by_validation(cls, validation: PredictionTable, n_judged: int) -> "Choice":
        """The validation photos choose, and so many test photos judge."""
        everything = np.ones(n_judged, dtype=np.bool_)
        photos = plural(len(validation), "validation photo")
        return cls(validation.predictions, [(everything, validation.predictions)], photos, "the test photos")

    @classmethod
    def by_other_folds(cls, table: PredictionTable) -> "Choice":
        """All photos choose the number to be used; each judges what the other folds' photos choose.

        Source: cross-fitting, as in Chernozhukov et al. 2018. The number to be used is chosen on
        more photos than those that are judged, so it is no worse on average.

        Args:
            table: Predictions of all folds; ``folds`` are known.
        """
        assert table.folds is not None
        parts = [(table.folds == fold, table.select(table.folds != fold).predictions) for fold in table.fold_numbers]
        judged = "the photos of each fold, by what the photos of the other folds choose"
        return cls(table.predictions, parts, f"{plural(len(table), 'photo')} of all folds", judged)

    def choose(self, fit: Callable[[Predictions], float | None]) -> tuple[float, Floats] | None:
        """Choose a number on each set of photos.

        Args:
            fit: Chooses it by predictions; None where they cannot.

        Returns:
            The number to be used, and (N,) the one that each evaluated photo judges; None where one
            of them cannot be chosen.
        """
        used, judged = fit(self.predictions), np.zeros(len(self.parts[0][0]))
        for mask, predictions in self.parts:
            found = fit(predictions)
            if used is None or found is None:
                return None
            judged[mask] = found
        return None if used is None else (used, judged)

    def calibrated(self, judged: Predictions) -> "tuple[float | None, Choice, Predictions]":
        """Choose a temperature, and go on with probabilities that it has calibrated.

        Args:
            judged: Predictions of the N evaluated photos.

        Returns:
            The temperature to be used, None where too few photos would choose it; the same choice
            by calibrated predictions, each part's by its own temperature; and those of
            the evaluated photos, each by the temperature that it judges.
        """
        temperatures = np.ones(len(judged.labels))
        parts = []
        for mask, predictions in self.parts:
            temperatures[mask] = own = fit_temperature(predictions) or 1.0
            parts.append((mask, rescale(predictions, own)))
        used = fit_temperature(self.predictions)
        return used, replace(self, predictions=rescale(self.predictions, used or 1.0), parts=parts), rescale(judged, temperatures)
