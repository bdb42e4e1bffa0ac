"""The readable photos of a folder as numbers, and folds of them that share no group."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import connect
from posture_classifier.data.scan.scan import Scan
from posture_classifier.utils.types import Ints

N_FOLDS = 5
MIN_PHOTOS = 10
"""Photos that each class needs before shortcuts are looked for."""
MIN_GROUPS = 4
"""Groups that each class needs before shortcuts are looked for.

Of 200 draws of 4 people from the bundled photos, none was said to have a shortcut, and in all of
them a JPEG quality for each class was found; the same holds for 8 people. Of 200 draws of 8 people
in one posture each, 4 were said to have one (``benchmarks/shortcuts.py``).
"""
MIN_GROUPS_FOR_LABELS = 2 * N_FOLDS
"""Groups that each class needs before probable label errors are looked for."""
Folds = list[tuple[Ints, Ints]]
"""For each fold, the indices to train on and the indices to test on."""


@dataclass(frozen=True)
class Sample:
    """The readable photos of a folder, as numbers.

    Attributes:
        rows: (N,) indices among all photos of the folder.
        labels: (N,) classes from 0 to C - 1, each of which occurs.
        class_names: C names.
        joined_groups: (N,) number of each photo's group, after ``join_groups``.
        features: (N, D) float32 rows of unit length, from the frozen network.
    """

    rows: Ints
    labels: Ints
    class_names: list[str]
    joined_groups: Ints
    features: npt.NDArray[np.float32]

    @property
    def groups_per_class(self) -> list[int]:
        """How many joined groups each of the C classes occurs in."""
        return [len(np.unique(self.joined_groups[self.labels == label])) for label in range(len(self.class_names))]


def make_sample(photos: Photos, scan: Scan, clusters: Ints) -> Sample:
    """Take the photos that can be read; ``clusters`` (N,) joins near-duplicates of all N photos."""
    rows = np.flatnonzero(scan.readable)
    present, labels = np.unique(photos.labels[rows], return_inverse=True)
    names = [photos.classes[label] for label in present]
    return Sample(rows, labels.astype(np.int64), names, join_groups(photos, clusters)[rows], scan.features[rows])


def join_groups(photos: Photos, clusters: Ints) -> Ints:
    """Join groups that share a cluster (N,) of near-duplicates: the lowest index (N,) of each."""
    _, first, group = np.unique(photos.groups, return_index=True, return_inverse=True)
    each = np.arange(len(photos))
    return connect(len(photos), np.concatenate([np.stack([each, other], 1) for other in (first[group], clusters)]))


def make_folds(sample: Sample) -> Folds | None:
    """Divide a sample into stratified folds that share no joined group.

    There are five of them, or as many as the smallest class has groups.

    Returns:
        None where there is one class only, or one with less than ``MIN_PHOTOS`` photos or
        ``MIN_GROUPS`` groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n_groups = min(sample.groups_per_class)
    if len(sample.class_names) < 2 or n_groups < MIN_GROUPS or np.bincount(sample.labels).min() < MIN_PHOTOS:
        return None
    splitter = StratifiedGroupKFold(min(N_FOLDS, n_groups), shuffle=True, random_state=0)
    return [(train, test) for train, test in splitter.split(sample.labels, sample.labels, sample.joined_groups) if len(test)]
