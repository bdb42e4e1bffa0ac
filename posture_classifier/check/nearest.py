"""The most similar photo of each photo: whether the photos of a group look alike."""

from dataclasses import dataclass

import numpy as np

from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.data.split import count_classes
from posture_classifier.utils.types import Ints


@dataclass(frozen=True)
class Nearest:
    """What the most similar photos tell of a way to group photos.

    Attributes:
        in_group: Share of the photos whose most similar photo is of their own group.
        by_chance: The same if it were any photo of its class.
    """

    in_group: float
    by_chance: float


def find_nearest(features: Features, labels: Ints, groupings: list[Ints]) -> list[Nearest]:
    """Compare each photo with the most similar one.

    Args:
        features: (N, D) rows of unit length, of at least two photos.
        labels: (N,) classes from 0 to C - 1.
        groupings: For each way to group the photos, the number (N,) of each one's group.

    Example:
        >>> features = np.array([[1, 0], [0.9, 0.4], [0, 1], [0.4, 0.9]], dtype=np.float32)
        >>> find_nearest(features, np.array([0, 0, 0, 0]), [np.array([0, 0, 1, 1])])
        [Nearest(in_group=1.0, by_chance=0.33...)]
    """
    if not groupings:
        return []
    nearest = np.empty(len(labels), dtype=np.int64)
    for rows, cosine in similarity_blocks(features):
        cosine[np.arange(len(rows)), rows] = -2  # a photo is not its own neighbour
        nearest[rows] = cosine.argmax(1)
    return [_describe(codes, labels, nearest) for codes in groupings]


def _describe(codes: Ints, labels: Ints, nearest: Ints) -> Nearest:
    counts = count_classes(codes, labels, (codes.max() + 1, labels.max() + 1))
    # A group of one class would otherwise seem to matter, since similar photos are of one class.
    of = labels[nearest]
    itself = of == labels
    chance = (counts[codes, of] - itself) / np.maximum(counts.sum(0)[of] - itself, 1)
    return Nearest(float((codes[nearest] == codes).mean()), float(chance.mean()))
