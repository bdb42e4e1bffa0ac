"""How many groups an interval needs, and what few of them cannot show."""

import numpy as np
import pytest

from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.metrics.witnesses import Witnesses

OF_CLASSES = {"balanced_accuracy", "macro_f1", "auroc"}


def unknown(group: list[int], labels: list[int]) -> dict[str, str]:
    """Why intervals of a perfect network are unknown, by metric."""
    true = np.array(labels)
    found = estimates(Predictions(np.arange(len(true)), true, np.eye(2)[true] * 0.8 + 0.1), np.array(group).astype(str))
    return {name: estimate.too_few for name, estimate in found.items() if estimate.too_few}


@pytest.mark.parametrize(("group", "reason"), [([0] * 6, "1 group"), ([0, 0, 0, 0, 1, 1], "2 groups"), ([0, 1], "2 photos")])
def test_below_three_groups_no_interval_is_known(group: list[int], reason: str) -> None:
    found = unknown(group, [0, 1] * (len(group) // 2))
    found.pop("accuracy", None)  # that of single photos is a share of independent trials
    assert set(found.values()) == {reason}
    assert found.keys() == OF_CLASSES | {"log_loss", "ece"}


def test_one_session_of_a_class_says_nothing_of_another() -> None:
    """All usable resamples are alike: the AUROC had an interval of no length."""
    found = unknown([0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, 1])
    assert found == dict.fromkeys(OF_CLASSES, "1 group of a class")
    assert not unknown([0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 0, 0, 1, 1, 1, 1])


@pytest.mark.parametrize(("n_groups", "n_classes", "density"), [(5, 1, 1.0), (8, 3, 0.6), (20, 2, 0.5), (30, 10, 0.3)])
def test_the_degrees_of_freedom_are_those_of_all_residuals(n_groups: int, n_classes: int, density: float) -> None:
    """Bell and McCaffrey 2002, from the matrix of how each group's error bears on each residual."""
    presence = np.random.default_rng(0).random((n_groups, n_classes)) < density
    presence[np.arange(2 * n_classes) % n_groups, np.arange(2 * n_classes) // 2] = True
    shares = presence / presence.sum(0)
    residuals = np.diag(shares.mean(1)) - shares @ shares.T / n_classes
    squared = residuals @ residuals
    witnesses = Witnesses(5 * presence)
    assert witnesses.degrees == pytest.approx(np.trace(squared) ** 2 / (squared**2).sum())
    assert witnesses.inflation == pytest.approx((shares.mean(1) ** 2).sum() / np.trace(squared))


def test_groups_of_uneven_size_tell_less() -> None:
    sizes = [10, 200] * 5
    witnesses = Witnesses.of_groups(np.repeat(np.arange(10), sizes))
    assert witnesses.effective_groups == pytest.approx(sum(sizes) ** 2 / sum(size**2 for size in sizes))
    assert witnesses.degrees == pytest.approx(witnesses.effective_groups - 1)
    assert witnesses.too_few is None
    assert Witnesses.of_groups(np.repeat(np.arange(4), [20, 20, 20, 400])).too_few == "4 groups of uneven size"


def test_groups_of_both_classes_count_like_groups_without_any() -> None:
    by_class = Witnesses.of_classes(np.repeat(np.arange(7), 2), np.arange(14) % 2)
    assert (by_class.inflation, by_class.degrees) == pytest.approx((7 / 6, 6))
