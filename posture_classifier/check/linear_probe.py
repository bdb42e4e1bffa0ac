"""What must stay together, and predictions of photos by a probe that saw nothing of theirs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.check.duplicates import Duplicates
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.near_duplicates import connect

FOLDS = 5
FEWEST = 4
"""Units of each class from which shortcuts are looked for. Of 40 draws of 4 people (turtle_neck) none was said to have one, and in
all of them a JPEG quality for each class was found; 60 draws of 8 people in one posture each were not said to have one, either."""
PLENTY = 2 * FOLDS
"""Photos of each class that shortcuts are looked for in, and units of each class that probable label errors are."""
COMPONENTS = 64
"""Directions of the features that the probe sees: a few hundred photos cannot fix more weights."""
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Folds = list[tuple[Ints, Ints]]
"""Indices to train on and to test, of each fold."""


@dataclass(frozen=True)
class Sample:
    """The readable photos of a folder, as numbers.

    Attributes:
        rows: (N,) their indices among all photos.
        labels: (N,) from 0 to C - 1 without a gap.
        names: C names of classes.
        units: (N,) numbers; photos of one number are never on two sides of a fold.
        features: (N, D) float32 of unit length.
    """

    rows: Ints
    labels: Ints
    names: list[str]
    units: Ints
    features: npt.NDArray[np.float32]

    @property
    def units_per_class(self) -> list[int]:
        """C numbers of units in which each class occurs."""
        return [len(np.unique(self.units[self.labels == label])) for label in range(len(self.names))]


def units(photos: Photos, duplicates: Duplicates) -> Ints:
    """(N,) numbers of what must stay together: groups, joined where a cluster of near-duplicates reaches into several."""
    _, first, group = np.unique(photos.groups, return_index=True, return_inverse=True)
    each = np.arange(len(photos))
    return connect(len(photos), np.concatenate([np.stack([each, other], 1) for other in (first[group], duplicates.clusters)]))


def folds(sample: Sample, fewest: int) -> Folds | None:
    """Stratified folds that share no unit, five if there are as many units of each class.

    None where there is one class only, or one of less than ``PLENTY`` photos or ``fewest`` units.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    n_units = min(sample.units_per_class)
    if len(sample.names) < 2 or n_units < fewest or np.bincount(sample.labels).min() < PLENTY:
        return None
    splitter = StratifiedGroupKFold(min(FOLDS, n_units), shuffle=True, random_state=0)
    return [(train, test) for train, test in splitter.split(sample.labels, sample.labels, sample.units) if len(test)]


def probe(sample: Sample, parts: Folds) -> Floats:
    """Out-of-fold probabilities (N, C) of a linear model on the frozen features."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    result = np.zeros((len(sample.labels), len(sample.names)))
    n = min(COMPONENTS, len(sample.labels) // 10)
    for train, test in parts:
        # A strong penalty: what counts are honest probabilities, not the last per cent of accuracy.
        model = make_pipeline(PCA(n, random_state=0), StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
        model.fit(sample.features[train], sample.labels[train])
        result[np.ix_(test, model.classes_)] = model.predict_proba(sample.features[test])
    return result
