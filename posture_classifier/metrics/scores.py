"""The metrics, their values and their 95 % intervals; a new metric is an entry in ``METRICS``."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.auroc import auroc
from posture_classifier.metrics.intervals import (
    Estimate,
    bounded_interval,
    calibration_error_interval,
    resample_weights,
    wilson_interval,
)
from posture_classifier.metrics.predictions import Known, Predictions
from posture_classifier.metrics.resampled import Resampled
from posture_classifier.metrics.witnesses import Witnesses
from posture_classifier.utils.types import Floats


def score(predictions: Predictions, metric: str) -> float:
    """Compute one of ``METRICS`` without an interval, which is cheap enough for every epoch.

    It is NaN where the metric is not defined (AUROC where only one class was seen).

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
        >>> score(Predictions(np.arange(3), np.array([0, 1, 1]), probabilities), "accuracy")
        0.666...
    """
    one_group = np.zeros(len(predictions.labels), dtype=np.int64)
    return float(METRICS[metric].score(Resampled(predictions, one_group, np.ones((1, 1))))[0])


def estimates(predictions: Predictions, groups: npt.NDArray[np.str_], seed: int = 0) -> dict[str, Estimate]:
    """Compute all ``METRICS``, each with a 95 % interval by the bootstrap over groups.

    Where every photo is its own group, accuracy is a share of independent trials and has Wilson's
    interval. The value of a metric that is not defined (AUROC where only one class was seen) is
    None. Metrics that need more than is known of the predictions are left out.

    Args:
        predictions: N photos of C classes.
        groups: (N,) group of each photo.
        seed: Seed of the bootstrap.

    Example:
        >>> labels = np.arange(60) % 2
        >>> probabilities = np.where(labels[:, None] == [0, 1], 0.8, 0.2)
        >>> predictions = Predictions(np.arange(60), labels, probabilities)
        >>> estimates(predictions, np.arange(60).astype(str))["accuracy"].ends
        (0.93..., 1.0)
    """
    measured = Bootstrap.of([predictions], groups, seed).estimates()
    return {name: estimate for name, estimate in measured.items() if METRICS[name].can_be_measured(predictions)}


@dataclass(frozen=True)
class Bootstrap:
    """The metrics in the sample and in every resample.

    They are those of one network, or the mean of several that differ in their seed.

    Attributes:
        values: (1 + R,) values of each metric, the sample's own first.
        network_values: Each network's own value of each metric, in the sample.
        gap_distances: (R,) sum over the bins of how far a resample's calibration gaps are from the
            sample's.
        witnesses: The groups that were resampled.
        witnesses_by_class: The same for a metric that is made of classes.
        loss_of_mistake: Mean over the photos of the loss of one whose class were the second most
            probable.
    """

    values: dict[str, Floats]
    network_values: dict[str, Floats]
    gap_distances: Floats
    witnesses: Witnesses
    witnesses_by_class: Witnesses
    loss_of_mistake: float

    @classmethod
    def of(cls, networks: list[Predictions], groups: npt.NDArray[np.str_], seed: int = 0) -> "Bootstrap":
        """Resample the groups (N,) of photos; a seed always gives the same resamples."""
        _, codes = np.unique(groups, return_inverse=True)
        weights = resample_weights(int(codes.max()) + 1, seed)
        resampled = [Resampled(predictions, codes, weights) for predictions in networks]
        scores = {name: [metric.score(one) for one in resampled] for name, metric in METRICS.items()}
        values = {name: np.mean(score, axis=0) for name, score in scores.items()}
        network_values = {name: np.array([one[0] for one in score]) for name, score in scores.items()}
        gaps = [one.calibration_gaps for one in resampled]
        distances = np.mean([np.abs(gap[1:] - gap[0]).sum(1) for gap in gaps], axis=0)
        witnesses = Witnesses.of_groups(codes), Witnesses.of_classes(codes, networks[0].labels)
        mistake = float(np.mean([predictions.losses_of_mistakes.mean() for predictions in networks]))
        return cls(values, network_values, distances, *witnesses, mistake)

    @property
    def n_groups(self) -> int:
        """Number of groups that were resampled."""
        return self.witnesses.n_groups

    @property
    def independent(self) -> bool:
        """Whether the metrics are of one network, and every photo is its own group."""
        return self.witnesses.n_photos == self.n_groups > 1 == len(next(iter(self.network_values.values())))

    def estimates(self) -> dict[str, Estimate]:
        """Each metric with its 95 % interval: about other groups, not about other seeds."""
        return {name: metric.interval(self.values[name], self) for name, metric in METRICS.items()}


@dataclass(frozen=True)
class Metric:
    """One number about predictions.

    Attributes:
        name: Key in ``summary.json`` and column in tables.
        title: Name in text for people.
        meaning: Definition in a few words.
        score: Function that gives (1 + R,) values, in the sample and in each resample; NaN where
            the metric is not defined.
        interval: Function that gives the 95 % interval of such values.
        higher_is_better: Whether higher values are better.
        needs: How much must be known of the predictions.
    """

    name: str
    title: str
    meaning: str
    score: Callable[[Resampled], Floats]
    interval: Callable[[Floats, Bootstrap], Estimate]
    higher_is_better: bool = True
    needs: Known = "label"

    def can_be_measured(self, predictions: Predictions) -> bool:
        """Whether enough is known of predictions."""
        levels = get_args(Known)
        return levels.index(predictions.known) >= levels.index(self.needs)


def _share_interval(values: Floats, bootstrap: Bootstrap) -> Estimate:
    return bounded_interval(values, bootstrap.witnesses)


def _class_interval(values: Floats, bootstrap: Bootstrap) -> Estimate:
    return bounded_interval(values, bootstrap.witnesses_by_class)


def _accuracy(resampled: Resampled) -> Floats:
    correct, of_class, _ = resampled.per_class
    result: Floats = correct.sum(1) / of_class.sum(1)
    return result


def _accuracy_interval(values: Floats, bootstrap: Bootstrap) -> Estimate:
    if bootstrap.independent:
        return wilson_interval(float(values[0]), bootstrap.n_groups)
    return _share_interval(values, bootstrap)


def _balanced_accuracy(resampled: Resampled) -> Floats:
    correct, of_class, _ = resampled.per_class
    return _mean_over_classes(correct, of_class)


def _macro_f1(resampled: Resampled) -> Floats:
    correct, of_class, predicted = resampled.per_class
    # A class that a resample lacks has no F1 there, though some photos may be taken for it.
    lacking = (of_class == 0) & (of_class[0] > 0)
    return _mean_over_classes(2 * correct, np.where(lacking, 0, of_class + predicted))


def _mean_over_classes(numerator: Floats, denominator: Floats) -> Floats:
    """(1 + R,) mean of ratios (1 + R, C) over the classes that occur."""
    with np.errstate(invalid="ignore"):
        result: Floats = np.nanmean(np.where(denominator > 0, numerator / denominator, np.nan), axis=1)
    return result


def _macro_auroc(resampled: Resampled) -> Floats:
    """Mean over classes of the area under the ROC curve, linearised in the weights.

    That gives DeLong's variance (1988). Sorting anew in every resample would give the same spread
    at a hundred times the cost.
    """
    predictions = resampled.predictions
    labels = range(predictions.probabilities.shape[1])
    areas = [auroc(predictions.probabilities[:, label], predictions.labels == label) for label in labels]
    known = [(area, influence) for area, influence in areas if area is not None]
    if not known:
        return np.full(len(resampled.weights), np.nan)
    influence = np.mean([influence for _, influence in known], axis=0)
    result: Floats = np.mean([area for area, _ in known]) + resampled.total(influence)
    return result


def _auroc_interval(values: Floats, bootstrap: Bootstrap) -> Estimate:
    witnesses = bootstrap.witnesses_by_class
    return bounded_interval(values, witnesses, most_trials=witnesses.n_photos**2)  # it compares pairs


def _log_loss(resampled: Resampled) -> Floats:
    return resampled.total(resampled.predictions.losses) / resampled.total()


def _loss_interval(values: Floats, bootstrap: Bootstrap) -> Estimate:
    """Interval of a loss, by what all photos cost whose classes are the second most probable.

    A mistake may cost much less than that: the largest variance of a photo is hardly ever reached.
    """
    largest, witnesses = max(bootstrap.loss_of_mistake, 2 * float(values[0])), bootstrap.witnesses
    return bounded_interval(values, witnesses, largest, most_trials=4 * witnesses.n_photos)


def _calibration_error(resampled: Resampled) -> Floats:
    result: Floats = np.abs(resampled.calibration_gaps).sum(1)
    return result


_METRICS = [
    Metric("accuracy", "accuracy", "share of photos that are right", _accuracy, _accuracy_interval),
    Metric(
        name="balanced_accuracy",
        title="balanced accuracy",
        meaning="mean of the classes' recalls: every class counts equally",
        score=_balanced_accuracy,
        interval=_class_interval,
    ),
    Metric(
        name="macro_f1",
        title="macro-F1",
        meaning="mean of the classes' F1, which is high if recall and precision are",
        score=_macro_f1,
        interval=_class_interval,
    ),
    Metric(
        name="auroc",
        title="AUROC",
        meaning="how well probabilities put photos of a class before others; 0.5 is chance",
        needs="probabilities",
        score=_macro_auroc,
        interval=_auroc_interval,
    ),
    Metric(
        name="log_loss",
        title="log loss",
        meaning="what the probabilities cost, in nats; 0 is best",
        needs="probabilities",
        score=_log_loss,
        interval=_loss_interval,
        higher_is_better=False,
    ),
    Metric(
        name="ece",
        title="ECE",
        meaning="expected calibration error: distance of confidence from accuracy; 0 is best",
        needs="confidence",
        score=_calibration_error,
        interval=lambda values, bootstrap: calibration_error_interval(values, bootstrap.gap_distances, bootstrap.witnesses),
        higher_is_better=False,
    ),
]
METRICS = {metric.name: metric for metric in _METRICS}
"""All metrics by their names, in the order of tables.

Shares are from 0 to 1; the AUROC is the mean over classes of one class against the rest.
"""
