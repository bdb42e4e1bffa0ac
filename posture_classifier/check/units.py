"""What must stay together, and predictions of photos by a probe that saw nothing of theirs."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.check.duplicates import Duplicates
from posture_classifier.data.folder import Photos

FOLDS = 5
COMPONENTS = 64
"""Directions of the features that the probe sees: a few hundred photos cannot fix more weights."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


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


def units(photos: Photos, duplicates: Duplicates) -> Ints:
    """(N,) numbers of what must stay together: groups, joined where a cluster of near-duplicates reaches into several."""
    _, group = np.unique(photos.groups, return_inverse=True)
    _, cluster = np.unique(duplicates.clusters, return_inverse=True)
    parts = group.astype(np.int64)
    while True:
        # The lowest number spreads through clusters and groups until nothing changes.
        before = parts
        for members in (cluster, group):
            lowest = np.full(members.max(initial=0) + 1, len(parts), dtype=np.int64)
            np.minimum.at(lowest, members, parts)
            parts = lowest[members]
        if (parts == before).all():
            return parts


def folds(labels: Ints, groups: Ints, seed: int = 0) -> list[tuple[Ints, Ints]] | None:
    """Stratified, group-disjoint folds as (training, testing) indices; None where a class has too few groups for two."""
    from sklearn.model_selection import StratifiedGroupKFold

    per_class = [len(np.unique(groups[labels == label])) for label in np.unique(labels)]
    if len(per_class) < 2 or min(per_class) < 2 * FOLDS:
        return None
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    return [(train, test) for train, test in splitter.split(labels, labels, groups) if len(test)]


def probe(sample: Sample) -> Floats | None:
    """Out-of-fold probabilities (N, C) of a linear model on the frozen features; None where there are too few groups."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    parts = folds(sample.labels, sample.units)
    if parts is None:
        return None
    result = np.zeros((len(sample.labels), len(sample.names)))
    n = min(COMPONENTS, len(sample.labels) // 10)
    for train, test in parts:
        # A strong penalty: what counts are honest probabilities, not the last per cent of accuracy.
        model = make_pipeline(PCA(n, random_state=0), StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
        model.fit(sample.features[train], sample.labels[train])
        result[np.ix_(test, model.classes_)] = model.predict_proba(sample.features[test])
    return result
