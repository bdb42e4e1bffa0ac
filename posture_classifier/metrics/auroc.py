"""The area under the ROC curve, and how each photo bears on it."""

import numpy as np
import numpy.typing as npt

from posture_classifier.utils.types import Floats


def auroc(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float | None, Floats]:
    """Area under the ROC curve, and each photo's influence on it.

    The area is the probability that a positive scores above a negative, ties counting half
    (Mann-Whitney). ``scores`` (N,) are probabilities of the class that the photos ``positive`` (N,)
    are of.

    Returns:
        The area, None where there are no positives or no negatives; and its derivative (N,) by the
        weight of each photo.

    Example:
        >>> area, influence = auroc(np.array([0.9, 0.6, 0.4]), np.array([True, False, True]))
        >>> area
        0.5
    """
    _, at = np.unique(scores, return_inverse=True)
    negatives, positives = (np.bincount(at[chosen], minlength=at.max() + 1) for chosen in (~positive, positive))
    n_negatives, n_positives = negatives.sum(), positives.sum()
    if not n_negatives or not n_positives:
        return None, np.zeros(len(scores))
    below = (negatives.cumsum() - negatives / 2) / n_negatives  # share of the negatives
    above = 1 - (positives.cumsum() - positives / 2) / n_positives
    area = float((positives * below).sum() / n_positives)
    return area, np.where(positive, (below[at] - area) / n_positives, (above[at] - area) / n_negatives)
