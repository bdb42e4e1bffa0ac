"""Ridge regression that judges each group by the photos of all other groups, in closed form."""

import numpy as np
import numpy.typing as npt

from posture_classifier.data.scan.similarity import Features
from posture_classifier.utils.types import Ints

Stages = npt.NDArray[np.float16]
PENALTY = 1.0
"""Penalty on the squared weights, for features whose mean squared length is 1. Planted label errors
were ranked as well at 0.3 and 0.5; at 0.1 the head follows them."""
ROWS = 1024
"""Photos whose groups are prepared together, to bound the memory."""


class GroupRidge:
    """A linear head with squared loss and L2 penalty, as if trained anew without each group.

    A photo is judged by a head that was trained on all photos but those of its group. That takes
    one matrix inverse for all groups and any number of label sets (An et al. 2007, "Fast
    cross-validation algorithms for least squares support vector machine and kernel ridge
    regression"). Logistic regression takes a fit for each, and ranked planted label errors no
    better.

    Args:
        features: (N, D) features of the photos.
        groups: (N,) group of each photo.

    Example:
        >>> features = np.array([[1.0], [1.1], [-1.0], [-1.1]], dtype=np.float32)
        >>> ridge = GroupRidge(features, np.arange(4))
        >>> ridge.scores(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=np.float32)).argmax(1)
        array([0, 0, 1, 1])
    """

    def __init__(self, features: Features, groups: Ints) -> None:
        centred = features - features.mean(0)
        scale = np.sqrt((centred**2).sum(1).mean())
        # A feature that is always 1 takes the place of a bias.
        self._features = np.column_stack([centred / max(scale, 1e-9), np.ones(len(centred), dtype=np.float32)])
        n, width = self._features.shape
        self._wide = n <= width
        product = self._features @ self._features.T if self._wide else self._features.T @ self._features
        self._penalised = product + PENALTY * np.eye(len(product), dtype=np.float32)
        self._inverse = np.linalg.inv(self._penalised)
        blocks = list(_by_group(groups))
        self._large = [rows[0] for rows in blocks if rows.shape[1] > width]
        self._blocks = [(rows, np.linalg.inv(self._inverse_block(rows))) for rows in blocks if rows.shape[1] <= width]

    def scores(self, targets: Features) -> Features:
        """Predict targets (N, K), each photo's by the photos of other groups.

        Args:
            targets: (N, K) such as 1 for a photo's class and 0 for the others; columns do not
                influence each other, so that several label sets can be predicted at once.
        """
        product = self._inverse_times(targets)
        result = targets.copy()
        for rows, inverse in self._blocks:
            result[rows] -= inverse @ product[rows]
        for rows in self._large:  # a head for each takes less than a matrix of its photos
            own = self._features[rows]
            others = self._features.T @ targets - own.T @ targets[rows]
            result[rows] = own @ np.linalg.solve(self._penalised - own.T @ own, others)
        return result

    def class_scores(self, label_sets: list[Ints], n_classes: int) -> list[Features]:
        """Scores (N, C) of every photo by those of other groups, for each set of labels (N,)."""
        targets = np.concatenate([np.eye(n_classes, dtype=np.float32)[labels] for labels in label_sets], axis=1)
        return np.split(self.scores(targets), len(label_sets), axis=1)

    def _inverse_times(self, targets: Features) -> Features:
        """(K + penalty I)^-1 times targets (N, K), for the kernel K (N, N) of all photos."""
        if self._wide:
            return self._inverse @ targets
        explained = self._features @ (self._inverse @ (self._features.T @ targets))
        result: Features = (targets - explained) / np.float32(PENALTY)
        return result

    def _inverse_block(self, rows: Ints) -> Features:
        """The blocks (B, S, S) of the same inverse for B groups of S photos with rows (B, S)."""
        if self._wide:
            block: Features = self._inverse[rows[:, :, None], rows[:, None, :]]
            return block
        chosen = self._features[rows]
        eye = np.eye(rows.shape[1], dtype=np.float32)
        explained = (chosen @ self._inverse) @ chosen.transpose(0, 2, 1)
        result: Features = (eye - explained) / np.float32(PENALTY)
        return result


def head_features(last: Features, stages: Stages) -> Features:
    """Join the features (N, D) and the earlier stages (N, S) of a scan to what a head sees."""
    # Every part has mean square 1, as in ``models.all_stages_head``.
    return np.column_stack([last * np.sqrt(last.shape[1], dtype=np.float32), stages])


def centre_groups(features: Features, groups: Ints) -> Features:
    """Take the mean of its group from each photo's features (N, D).

    What differs between people goes, and what differs between photos of one person stays.
    """
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    sums = np.add.reduceat(features[order], np.cumsum(sizes) - sizes)
    result: Features = features - (sums / sizes[:, None]).astype(np.float32)[group]
    return result


def _by_group(groups: Ints) -> list[Ints]:
    """Rows (B, S) of the photos of groups that have S photos each, a limited number at a time."""
    _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order, start = np.argsort(group, kind="stable"), np.cumsum(sizes) - sizes
    result: list[Ints] = []
    for size in np.unique(sizes).tolist():
        first, step = start[sizes == size], max(1, ROWS // size)
        result += [order[first[n : n + step, None] + np.arange(size)] for n in range(0, len(first), step)]
    return result
