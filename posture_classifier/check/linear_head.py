"""How right a linear head on a frozen network is about photos that it was not trained on."""

import numpy as np
import numpy.typing as npt

from posture_classifier.data.scan.similarity import Features
from posture_classifier.utils.types import Ints

PENALTY = 0.1
"""Ridge penalty as a share of the mean eigenvalue of the features' covariance.

Of 0.01, 0.1 and 1, it was the best or within 3 points of it on the bundled photos and on both other
sets, in random folds and in folds of groups."""


def tested_hits(features: Features, labels: Ints, parts: Ints) -> npt.NDArray[np.bool_]:
    """Test each part of the photos by a head that is trained on the others.

    It is ridge regression on the classes, whose sums are taken over all photos once and, for each
    part, less those of the part.

    Args:
        features: (N, D) rows of unit length.
        labels: (N,) classes from 0 to C - 1.
        parts: (N,) the part of each photo; at least two parts.

    Returns:
        (N,) whether the class of each photo was found.

    Example:
        >>> features = np.array([[1, 0], [0.9, 0.4], [0, 1], [0.4, 0.9]], dtype=np.float32)
        >>> tested_hits(features, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])).tolist()
        [True, True, True, True]
    """
    rows = features - features.mean(0)
    if len(rows) < rows.shape[1]:  # the same products in fewer columns
        rows = np.transpose(np.linalg.qr(rows.T, mode="r"))
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels]
    # A column of ones holds the sums.
    rows, targets = (np.column_stack([array, np.ones(len(rows), dtype=np.float32)]) for array in (rows, targets))
    squares, products = rows.T @ rows, rows.T @ targets
    hits = np.zeros(len(rows), dtype=np.bool_)
    for part in np.unique(parts):
        tested = parts == part
        left, right = squares - rows[tested].T @ rows[tested], products - rows[tested].T @ targets[tested]
        n = left[-1, -1]
        covariance = left[:-1, :-1] / n - np.outer(left[-1, :-1], left[-1, :-1]) / n**2
        response = right[:-1, :-1] / n - np.outer(left[-1, :-1], right[-1, :-1]) / n**2
        penalty = PENALTY * np.trace(covariance) / len(covariance) + np.finfo(np.float32).eps
        weights = np.linalg.solve(covariance + penalty * np.eye(len(covariance), dtype=np.float32), response)
        scores = (rows[tested, :-1] - left[-1, :-1] / n) @ weights + right[-1, :-1] / n
        hits[tested] = scores.argmax(1) == labels[tested]
    return hits
