"""Probabilities from the numbers that a program wrote: probabilities, percent or logits."""

import numpy as np
from scipy.special import softmax

from posture_classifier.metrics.predictions import Known
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.types import Floats, Ints

ROUNDING = 0.005
"""Largest error of a probability that was rounded to two digits, per class of a row's sum."""


def to_probabilities(numbers: Floats, source: str) -> tuple[Floats, str | None]:
    """Turn numbers (N, C) of all classes into probabilities, whose sum is 1 in each row.

    Messages call the numbers ``source``.

    Returns:
        The probabilities, and a sentence where they had to be computed.

    Raises:
        UserError: The numbers are neither probabilities nor percent nor logits.

    Example:
        >>> to_probabilities(np.array([[75.0, 25.0]]), "columns a and b")
        (array([[0.75, 0.25]]), 'The columns a and b are in percent.')
    """
    sums, tolerance = numbers.sum(1), 0.01 + ROUNDING * numbers.shape[1]
    for whole in (1, 100):
        if numbers.min() >= 0 and np.abs(sums / whole - 1).max() <= tolerance:
            return numbers / sums[:, None], None if whole == 1 else f"The {source} are in percent."
    if numbers.min() >= 0 and numbers.max() <= 1:
        raise UserError(
            f"the {source} are from 0 to 1, but their sums are {sums.min():.3g} to {sums.max():.3g}: these are no probabilities of "
            "classes of which one is true; give the softmax of the logits"
        )
    return softmax(numbers, axis=1), f"The {source} are no probabilities: they are taken for logits, and their softmax counts."


def fill(said: Ints, shares: Floats | None, n_classes: int, source: str) -> tuple[Floats, Known, str | None]:
    """Rows of C numbers from the K most probable classes of each photo.

    What is not known is shared evenly among the other classes, so that the class that is said keeps
    the largest number.

    Args:
        said: (N, K) the classes; -1 where there are fewer.
        shares: (N, K) their probabilities, or percent; None where they are not known.
        n_classes: C.
        source: What the probabilities are, for messages.

    Returns:
        The rows, how much is known of them, and a sentence where something had to be computed.

    Raises:
        UserError: The probability that is given belongs to another class.
    """
    sentence = None
    if shares is None or shares.min() < 0 or shares.max() > 100:
        unusable = None if shares is None else f"The {source} are no probabilities, and are not used."
        return np.eye(n_classes)[said[:, 0]], "label", unusable
    if shares.max() > 1.01:
        shares, sentence = shares / 100, f"The {source} are in percent."
    if ((shares[:, 0] < 1 / n_classes - 0.01) & (said[:, 0] >= 0)).any():
        raise UserError(
            f"the {source} are below 1/{n_classes}, which the most probable of {n_classes} classes cannot be; name the column of "
            "the true classes with --label_column if they are of one class, or leave them out"
        )
    given = said >= 0
    if (np.where(given, shares, 0).sum(1) > 1 + ROUNDING * (said.shape[1] + 1)).any():
        raise UserError(
            f"the {source} are more than 1 in all for a photo: its rows contradict each other; keep one prediction each"
        )
    missing = n_classes - given.sum(1)
    rest = np.clip(1 - np.where(given, shares, 0).sum(1), 0, None) / np.maximum(missing, 1)
    rows = np.repeat(np.minimum(rest, shares[:, 0] * (1 - 1e-9))[:, None], n_classes, axis=1)
    photo, rank = np.nonzero(given)
    rows[photo, said[photo, rank]] = shares[photo, rank]
    if (missing <= 1).all():
        return rows / rows.sum(1, keepdims=True), "probabilities", sentence
    return rows / np.maximum(rows.sum(1, keepdims=True), 1), "confidence", sentence
