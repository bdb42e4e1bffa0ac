"""More groups: whether a head gets better with the number of people that it learns from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding
from posture_classifier.check.group_ridge import PENALTY, head_features
from posture_classifier.data.scan.similarity import Features
from posture_classifier.metrics.intervals import Estimate, estimate_mean
from posture_classifier.rendering.formatting import points
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats, Ints

LEAST_GROUPS = 8
"""Groups below which halves of them are too few to compare."""
SHARES = (0.25, 0.5, 1.0)
"""Shares of the groups for training that a head learns from."""
FOLDS, REPEATS = 5, 2
"""Each group is tested once in each repeat, by heads that learn from some of the other folds."""
MOST_PHOTOS = 1500
"""Photos that are used, to bound the time, which grows with the cube of their number."""


@dataclass(frozen=True)
class Growth:
    """Accuracy on groups never seen, by the number of groups learnt from.

    Attributes:
        groups: Numbers of groups learnt from, in the mean over folds, rising.
        accuracy: Share of the photos that are right, for each of them.
        gain: What the last has over the one before, which is about half of it.
    """

    groups: list[int]
    accuracy: list[float]
    gain: Estimate


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report the learning curve over groups, where names or dates make enough of them."""
    groups = folder.named_groups
    if groups is None or len(np.unique(groups)) < LEAST_GROUPS:
        return []
    features = head_features(folder.sample.features, folder.scan.stages[folder.sample.rows])
    growth = measure_growth(features, folder.sample.labels, groups)
    values = {"groups": growth.groups, "accuracy": growth.accuracy, "gain": vars(growth.gain)}
    return [Finding("more_groups", "note", describe_growth(growth), values=values)]


def describe_growth(growth: Growth) -> str:
    """Write the curve, and whether its last step is shown to go up."""
    fewest, *_, half, most = growth.groups
    shares = [f"{100 * share:.0f} %" for share in growth.accuracy]
    curve = f"A linear head that learnt from {plural(fewest, 'group')} is right for {shares[0]} of photos of other groups"
    curve += f", from {half} for {shares[-2]}, from {most} for {shares[-1]}"
    gain = growth.gain
    if gain.value is None or gain.ends is None:
        return f"{curve}. Whether more groups would help cannot be said of so few."
    low, high = gain.ends
    change = f"The last doubling changes it by {points(gain.value)} points (95 % interval {points(low)} to {points(high)})"
    verdict = "more groups are likely to help" if low > 0 else "it is not shown that more groups would help"
    return f"{curve}. {change}: {verdict}."


def measure_growth(features: Features, labels: Ints, groups: npt.NDArray[np.str_]) -> Growth:
    """Train heads on nested parts of the groups, and test them on others.

    Args:
        features: (N, D) features of a frozen network.
        labels: (N,) classes from 0 to C - 1.
        groups: (N,) group of each photo, at least ``LEAST_GROUPS`` of them.
    """
    rng = np.random.default_rng(0)
    chosen = _spread(groups, rng)
    labels, groups = labels[chosen], groups[chosen]
    kernel = _kernel(features[chosen])
    targets = np.eye(int(labels.max()) + 1, dtype=np.float32)[labels]
    names, codes = np.unique(groups, return_inverse=True)
    right = np.zeros((len(SHARES), len(labels)))
    learnt_from = []
    for _ in range(REPEATS):
        for tested in np.array_split(rng.permutation(len(names)), FOLDS):
            others = rng.permutation(np.setdiff1d(np.arange(len(names)), tested))
            test = np.flatnonzero(np.isin(codes, tested))
            sizes = [max(1, round(share * len(others))) for share in SHARES]
            learnt_from.append(sizes)
            for row, size in enumerate(sizes):
                train = np.flatnonzero(np.isin(codes, others[:size]))
                right[row, test] += _predict(kernel, targets, train, test) == labels[test]
    right /= REPEATS
    gain = estimate_mean(right[-1] - right[-2], groups)
    return Growth(np.mean(learnt_from, axis=0).round().astype(int).tolist(), right.mean(1).tolist(), gain)


def _predict(kernel: Floats | Features, targets: Features, train: Ints, test: Ints) -> Ints:
    """Classes of photos by ridge regression on others, as in ``GroupRidge``."""
    penalised = kernel[np.ix_(train, train)] + PENALTY * np.eye(len(train), dtype=np.float32)
    found: Ints = (kernel[np.ix_(test, train)] @ np.linalg.solve(penalised, targets[train])).argmax(1)
    return found


def _kernel(features: Features) -> Features:
    """Products (N, N) of features on the scale of ``GroupRidge``, and 1 in place of a bias."""
    centred = features - features.mean(0)
    scale = np.sqrt((centred**2).sum(1).mean())
    product: Features = centred @ centred.T / np.float32(max(scale**2, 1e-9)) + np.float32(1)
    return product


def _spread(groups: npt.NDArray[np.str_], rng: np.random.Generator) -> Ints:
    """Rows (M,) of at most ``MOST_PHOTOS`` photos, as many of each group as that allows."""
    order = rng.permutation(len(groups))
    _, codes = np.unique(groups[order], return_inverse=True)
    by_group = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[by_group], codes[by_group])
    turn = np.empty(len(groups), dtype=np.int64)  # the how-many-eth of its group each photo is
    turn[by_group] = np.arange(len(groups)) - starts
    return np.sort(order[np.argsort(turn, kind="stable")[:MOST_PHOTOS]])
