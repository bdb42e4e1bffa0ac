"""Whether a training on fixed photos helped: both networks on the same photos, by the same labels.

New labels of test photos change the measure itself. What tells whether the network is better are
the test photos whose labels nobody touched; all of them together say how good each network is by
the labels that are now believed to be right.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from posture_classifier.metrics.intervals import Estimate, estimate_mean, estimate_share
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.errors import UserError

Verdict = Literal["helped", "hurt", "unsettled"]


@dataclass(frozen=True)
class PairedAccuracy:
    """The accuracy of two networks on the same photos, all of them tested by both.

    Attributes:
        images: Number of photos.
        groups: Number of groups; that of the photos where each stands alone.
        grouped: Whether any photo shares its group with another.
        old: Accuracy of the old network, from 0 to 1.
        new: Accuracy of the new one.
        difference: New less old, from -1 to 1, with its paired 95 % interval over groups.
        loss_difference: The same of the log loss, in nats: below 0 is better.
        only_old: Number of photos that the old network alone got right.
        only_new: Number of photos that the new network alone got right.
    """

    images: int
    groups: int
    grouped: bool
    old: Estimate
    new: Estimate
    difference: Estimate
    loss_difference: Estimate
    only_old: int
    only_new: int

    @property
    def verdict(self) -> Verdict:
        """What the interval of the difference shows."""
        low, high = self.difference.ends or (-1.0, 1.0)
        return "helped" if low > 0 else "hurt" if high < 0 else "unsettled"


@dataclass(frozen=True)
class AfterFixes:
    """How the network that was trained on fixed photos compares with the one before.

    Attributes:
        untouched: On the test photos whose labels are what they were; None if there are none.
        all: On all test photos, by the new labels.
        relabelled: Number of test photos that have another label now.
        removed: Number of test photos of the old training that the new one did not test.
    """

    untouched: PairedAccuracy | None
    all: PairedAccuracy
    relabelled: int
    removed: int


def compare_after_fixes(old: PredictionTable, new: PredictionTable) -> AfterFixes:
    """Compare two networks on the photos that both were tested on, and neither learnt from.

    Args:
        old: What the old network said of its test photos, by the labels of then.
        new: What the new network said of its test photos, by the labels that count.

    Raises:
        UserError: No photo was tested by both, or they tell other classes apart.

    Example:
        >>> from pathlib import Path
        >>> from posture_classifier.runs.predictions import read_prediction_table
        >>> run = Path("lightning_logs/photos/version_0")
        >>> table = read_prediction_table(run / "test" / "predictions.csv")
        >>> compare_after_fixes(table, table).all.difference.value
        0.0
    """
    if old.classes != new.classes:
        raise UserError("the two trainings tell other classes apart, so that they cannot be compared")
    shared, in_old, in_new = np.intersect1d(old.paths, new.paths, return_indices=True)
    if not len(shared):
        raise UserError("the two trainings were tested on no common photo, so that they cannot be compared")
    before, after = old.select(in_old), new.select(in_new)
    same = before.predictions.labels == after.predictions.labels
    corrected = replace(before, predictions=replace(before.predictions, labels=after.predictions.labels))
    untouched = _pair(corrected.select(same), after.select(same)) if same.any() else None
    return AfterFixes(untouched, _pair(corrected, after), int((~same).sum()), len(old) - len(shared))


def _pair(old: PredictionTable, new: PredictionTable) -> PairedAccuracy:
    # Where the trainings name groups in different ways, the fewest count, as in a comparison.
    groups = min((old.groups, new.groups), key=lambda names: len(np.unique(names)))
    was_right, is_right = old.correct, new.correct
    return PairedAccuracy(
        images=len(new),
        groups=len(np.unique(groups)),
        grouped=len(np.unique(groups)) < len(groups),
        old=estimate_share(was_right, groups),
        new=estimate_share(is_right, groups),
        difference=estimate_mean(is_right.astype(np.float64) - was_right, groups),
        loss_difference=estimate_mean(new.predictions.losses - old.predictions.losses, groups),
        only_old=int((was_right & ~is_right).sum()),
        only_new=int((is_right & ~was_right).sum()),
    )
