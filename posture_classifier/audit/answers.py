"""What a table of predictions says about each photo, once, as probabilities."""

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from posture_classifier.audit.columns import Roles
from posture_classifier.audit.table_file import NO_CLASS, TableFile, class_codes, number_columns
from posture_classifier.metrics.predictions import Known
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.types import Floats, Ints

ROUNDING = 0.005
"""Largest error of a probability that was rounded to two digits, per class of a row's sum."""


@dataclass(frozen=True)
class Answers:
    """Predictions of M photos.

    Attributes:
        photos: (M,) index of each photo, rising.
        rows: (M,) first row of the table about it.
        probabilities: (M, C) numbers as in ``Predictions``.
        known: How much of them is known.
        notes: Sentences about how they were read.
        empty: Number of rows without a prediction.
        repeated: Number of rows that repeat another.
    """

    photos: Ints
    rows: Ints
    probabilities: Floats
    known: Known
    notes: list[str]
    empty: int
    repeated: int


def read_answers(table: TableFile, roles: Roles, classes: tuple[str, ...], found: list[int | None]) -> Answers:
    """Read the predictions of the rows that have a photo; ``found`` has the index of each.

    Raises:
        UserError: Rows contradict each other, or no row has a prediction.
    """
    numbers = _of_all_classes(table, roles) if roles.shares else None
    named = [class_codes(table, column, classes) for column in roles.said] if numbers is None else []
    said = np.stack(named, axis=1) if numbers is None else np.empty((len(table), 0), dtype=np.int64)
    shares = _of_said_classes(table, roles, said) if numbers is None else None
    blank = said[:, 0] == NO_CLASS if numbers is None else np.isnan(numbers).any(1)
    with_photo = np.array([index is not None for index in found])
    rows = np.flatnonzero(with_photo & ~blank)
    if not len(rows):
        raise UserError(f"{table.path} has no prediction for any photo of the folder")
    photos = np.array([found[row] for row in rows.tolist()], dtype=np.int64)
    empty = int((with_photo & blank).sum())
    if numbers is not None:
        columns = [column for column in roles.shares if column is not None]
        source = f"numbers in {shortlist(columns)}"
        probabilities, note = to_probabilities(numbers[rows], source)
        known: Known = "probabilities"
        photos, first, repeated = _once(photos, rows, numbers[rows], table)
        order = np.searchsorted(rows, first)
        return Answers(photos, first, probabilities[order], known, [note] if note else [], empty, repeated)
    photos, first, said, shares, repeated = _ranked(photos, rows, said[rows], None if shares is None else shares[rows], table)
    source = f"numbers in {shortlist(roles.said_shares)}"
    probabilities, known, note = fill(said, shares, len(classes), source)
    return Answers(photos, first, probabilities, known, [note] if note else [], empty, repeated)


def _of_all_classes(table: TableFile, roles: Roles) -> Floats:
    """(N, C) numbers of the classes; of two, one may follow from the other."""
    columns = [column for column in roles.shares if column is not None]
    numbers = number_columns(table, columns)
    if len(columns) == len(roles.shares):
        return numbers
    finite = numbers[np.isfinite(numbers)]
    low, high = finite.min(initial=0), finite.max(initial=0)
    # A logit of one class is that much more than 0, the other's.
    other = 0 * numbers if low < 0 or high > 100 else (100 if high > 1 else 1) - numbers
    return np.hstack([other, numbers] if roles.shares[0] is None else [numbers, other])


def _of_said_classes(table: TableFile, roles: Roles, said: Ints) -> Floats | None:
    """(N, K) numbers of the classes that are said; 0 where none is; None where there are none.

    Raises:
        UserError: A class has no number.
    """
    if not roles.said_shares:
        return None
    numbers = number_columns(table, roles.said_shares)
    lacking = np.isnan(numbers) & (said != NO_CLASS)
    if lacking.any():
        row = int(lacking.any(1).argmax())
        raise UserError(
            f"{table.path}: {shortlist(roles.said_shares)} is empty in row {row + 1} below the head, which names a class"
        )
    return np.where(said == NO_CLASS, 0, numbers)


def _once(photos: Ints, rows: Ints, content: Floats, table: TableFile) -> tuple[Ints, Ints, int]:
    """Take each photo once: the photos, the first row of each, and how many rows repeat one.

    Raises:
        UserError: Rows about one photo differ.
    """
    unique, at, codes = np.unique(photos, return_index=True, return_inverse=True)
    differs = ~np.isclose(content, content[at][codes], equal_nan=True).all(1)
    if differs.any():
        n = len(np.unique(codes[differs]))
        row, other = int(rows[at][codes][differs][0]), int(rows[differs][0])
        raise UserError(
            f"{table.path}: {plural(n, 'photo has', 'photos have')} several rows that contradict each other, such as rows "
            f"{row + 1} and {other + 1} below the head; keep one of them"
        )
    return unique, rows[at], len(photos) - len(unique)


def _ranked(
    photos: Ints, rows: Ints, said: Ints, shares: Floats | None, table: TableFile
) -> tuple[Ints, Ints, Ints, Floats | None, int]:
    """Join the rows about one photo that say several classes of it, the most probable first.

    Returns:
        (M,) photos, (M,) first rows, (M, K) classes and their probabilities, and how many rows
        repeat one.
    """
    if said.shape[1] > 1 or shares is None:
        content = said.astype(np.float64) if shares is None else np.hstack([said, shares])
        unique, first, repeated = _once(photos, rows, content, table)
        order = np.searchsorted(rows, first)
        return unique, first, said[order], None if shares is None else shares[order], repeated
    # The same class said twice of a photo is a repetition.
    pairs = photos * (said.max() + 1) + said[:, 0]
    _, first, repeated = _once(pairs, rows, shares, table)
    kept = np.searchsorted(rows, first)
    kept = kept[np.lexsort((rows[kept], -shares[kept, 0], photos[kept]))]
    unique, start, counts = np.unique(photos[kept], return_index=True, return_counts=True)
    rank = np.arange(len(kept)) - np.repeat(start, counts)
    all_said = np.full((len(unique), counts.max()), NO_CLASS, dtype=np.int64)
    all_shares = np.zeros(all_said.shape)
    at = np.repeat(np.arange(len(unique)), counts)
    all_said[at, rank], all_shares[at, rank] = said[kept, 0], shares[kept, 0]
    return unique, rows[kept[start]], all_said, all_shares, repeated


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
