"""The most similar photo of each photo: what a random split would flatter by."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.utils.types import Ints

Hits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Nearest:
    """What the most similar photos tell of a way to group N photos.

    Attributes:
        in_group: Share of the photos whose most similar photo is of their own group.
        by_chance: The same if it were any photo of its class.
        hits: (N,) whether the most similar photo of another group has the right class.
    """

    in_group: float
    by_chance: float
    hits: Hits


def find_nearest(features: Features, labels: Ints, groupings: list[Ints]) -> tuple[Hits, list[Nearest]]:
    """Compare each photo with the most similar one of all, and with that of another group.

    Args:
        features: (N, D) rows of unit length, of at least two photos.
        labels: (N,) classes from 0 to C - 1.
        groupings: For each way to group the photos, the number (N,) of each one's group.

    Returns:
        (N,) whether the most similar photo has the right class, and what was found for each way.

    Example:
        >>> features = np.array([[1, 0], [0.9, 0.4], [0, 1], [0.4, 0.9]], dtype=np.float32)
        >>> labels, people = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
        >>> hits, (nearest,) = find_nearest(features, labels, [people])
        >>> float(hits.mean()), float(nearest.hits.mean()), nearest.in_group
        (1.0, 0.0, 1.0)
    """
    n = len(labels)
    nearest = np.empty(n, dtype=np.int64)
    elsewhere = [np.full(n, -1) for _ in groupings]
    for rows, cosine in similarity_blocks(features):
        cosine[np.arange(len(rows)), rows] = -2  # a photo is not its own neighbour
        nearest[rows] = cosine.argmax(1)
        for codes, found in zip(groupings, elsewhere, strict=True):
            others = np.where(codes[rows, None] == codes, -2, cosine)
            found[rows] = np.where(others.max(1) > -2, others.argmax(1), -1)
    hits = labels[nearest] == labels
    return hits, [_describe(codes, labels, nearest, found) for codes, found in zip(groupings, elsewhere, strict=True)]


def _describe(codes: Ints, labels: Ints, nearest: Ints, elsewhere: Ints) -> Nearest:
    counts = np.zeros((codes.max() + 1, labels.max() + 1))
    np.add.at(counts, (codes, labels), 1)
    # A group of one class would otherwise seem to matter, since similar photos are of one class.
    of = labels[nearest]
    itself = of == labels
    chance = (counts[codes, of] - itself) / np.maximum(counts.sum(0)[of] - itself, 1)
    right = (elsewhere >= 0) & (labels[elsewhere] == labels)
    return Nearest(float((codes[nearest] == codes).mean()), float(chance.mean()), right)
