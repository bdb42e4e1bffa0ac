"""Whether an artifact answers as its checkpoint does, on the same photos, from file to label."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from posture_classifier.metrics.intervals import Estimate, estimate_mean, estimate_share
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.rendering.formatting import percent, points
from posture_classifier.utils.text import plural

MOST_OTHER_LABELS = 0.005
"""Share of photos that an artifact in floating-point numbers may label otherwise."""
LARGEST_LOSS = 0.02
"""Loss of accuracy that the paired interval of int8 has to exclude."""
LARGEST_LOSS_RISE = 0.05
"""Rise of the log loss, in nats, that the paired interval of int8 has to exclude: it keeps the
checkpoint's calibration."""


@dataclass(frozen=True)
class Pair:
    """A metric of checkpoint and artifact on the same photos.

    Attributes:
        checkpoint: The metric of ``Classifier`` in fp32.
        artifact: The same metric of the artifact.
        difference: Artifact less checkpoint, with its paired 95 % interval over groups.
    """

    checkpoint: Estimate
    artifact: Estimate
    difference: Estimate


@dataclass(frozen=True)
class Agreement:
    """How far an artifact's answers are from those of its checkpoint.

    Attributes:
        images: Number of photos.
        groups: Number of their groups; None where they are not known.
        other_labels: Number of photos that get another label.
        largest_difference: Largest difference of a probability over classes and photos, 0 to 1.
        mean_difference: Mean of the same differences, 0 to 1.
        accuracy: None where the photos were learnt from, so that accuracy says nothing.
        log_loss: Mean log loss in nats; None where the photos were learnt from.
    """

    images: int
    groups: int | None
    other_labels: int
    largest_difference: float
    mean_difference: float
    accuracy: Pair | None
    log_loss: Pair | None


def compare(
    checkpoint: Predictions, artifact: Predictions, groups: npt.NDArray[np.str_], unseen: bool, grouped: bool = True
) -> Agreement:
    """Compare two predictions of the same N photos.

    Args:
        checkpoint: What ``Classifier`` says in fp32.
        artifact: What the artifact says.
        groups: (N,) group of each photo.
        unseen: Whether the network has not learnt from the photos.
        grouped: Whether the groups are known; if not, every photo is its own.

    Example:
        >>> probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])
        >>> one = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities)
        >>> other = Predictions(np.arange(3), np.array([0, 1, 1]), probabilities[:, ::-1])
        >>> compare(one, other, np.array(["a", "b", "c"]), unseen=False).other_labels
        3
    """
    difference = np.abs(artifact.probabilities - checkpoint.probabilities)
    pairs: dict[str, Pair | None] = {"accuracy": None, "log_loss": None}
    if unseen and np.isfinite(difference).all():
        one, other = estimates(checkpoint, groups), estimates(artifact, groups)
        was, is_ = checkpoint.correct, artifact.correct
        changes = {
            "accuracy": paired_interval(is_ & ~was, was & ~is_, groups),
            "log_loss": estimate_mean(artifact.losses - checkpoint.losses, groups),
        }
        pairs = {name: Pair(one[name], other[name], change) for name, change in changes.items()}
    return Agreement(
        images=len(checkpoint.labels),
        groups=len(np.unique(groups)) if grouped else None,
        other_labels=int((artifact.predicted != checkpoint.predicted).sum()),
        largest_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        accuracy=pairs["accuracy"],
        log_loss=pairs["log_loss"],
    )


def paired_interval(won: npt.NDArray[np.bool_], lost: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]) -> Estimate:
    """The difference of two accuracies on the same photos with its 95 % interval over groups.

    Few photos change, and the mean of few has a skewed distribution. So the shares that are won and
    lost have Wilson's intervals each, which are combined by their distances from the shares
    (Newcombe 1998, "Improved confidence intervals for the difference between binomial proportions
    based on paired data"; taken as independent, which is the wider). Where no photo changes, a
    share's interval ends where that of one photo would: of so many photos nobody can tell less.

    Args:
        won: (N,) whether a photo is right now and was not before.
        lost: (N,) the opposite.
        groups: (N,) group of each photo.

    Example:
        >>> nothing = np.zeros(1000, dtype=bool)
        >>> paired_interval(nothing, nothing, np.repeat(np.arange(100), 10).astype(str)).ends
        (-0.00..., 0.00...)
    """
    more, less = _share(won, groups), _share(lost, groups)
    value = float(won.mean() - lost.mean())
    if more.ends is None or less.ends is None:
        return Estimate(value, too_few=more.too_few or less.too_few)
    up = np.hypot(more.ends[1] - won.mean(), lost.mean() - less.ends[0])
    down = np.hypot(won.mean() - more.ends[0], less.ends[1] - lost.mean())
    return Estimate(value, value - float(down), value + float(up))


def _share(hits: npt.NDArray[np.bool_], groups: npt.NDArray[np.str_]) -> Estimate:
    """A share with its interval; that of nothing ends where the one of a single photo does."""
    if hits.any():
        return estimate_share(hits, groups)
    one = np.zeros(len(hits), dtype=np.bool_)
    one[0] = True
    single = estimate_share(one, groups)
    return replace(single, value=0.0, low=None if single.low is None else 0.0)


def why_refused(agreement: Agreement) -> str | None:
    """Say why an artifact in floating-point numbers does not pass; None if it does."""
    if not np.isfinite(agreement.largest_difference):
        return "some of its probabilities are no numbers"
    if agreement.other_labels > MOST_OTHER_LABELS * agreement.images:
        return (
            f"it labels {agreement.other_labels} of {plural(agreement.images, 'photo')} otherwise than its checkpoint, "
            f"and at most {percent(MOST_OTHER_LABELS)} may be"
        )
    return None


def why_int8_refused(agreement: Agreement) -> str | None:
    """Say why an artifact in int8 does not pass; None if it does.

    It passes where the paired intervals exclude a loss of ``LARGEST_LOSS`` of accuracy and a rise
    of ``LARGEST_LOSS_RISE`` of the log loss.
    """
    if not np.isfinite(agreement.largest_difference):
        return "some of its probabilities are no numbers"
    if agreement.accuracy is None or agreement.log_loss is None:
        return "the network has learnt from all photos at hand, so what int8 costs cannot be measured"
    accuracy, loss = agreement.accuracy.difference, agreement.log_loss.difference
    if accuracy.low is None or loss.high is None:
        return f"{accuracy.too_few or loss.too_few} are too few to tell what int8 costs"
    if accuracy.low <= -LARGEST_LOSS:
        return (
            f"accuracy may be {points(accuracy.low).lstrip(chr(0x2212))} points lower by the paired interval, "
            f"and {points(LARGEST_LOSS).lstrip('+')} have to be excluded"
        )
    if loss.high >= LARGEST_LOSS_RISE:
        return (
            f"its probabilities are less calibrated: log loss may be {loss.high:.3f} higher by the paired interval, "
            f"and {LARGEST_LOSS_RISE} has to be excluded"
        )
    return None


def describe_change(change: Estimate) -> str:
    """A difference with its sign and its paired interval.

    Example:
        >>> describe_change(Estimate(-0.0067, -0.02, 0.0066))
        '-0.0067 (-0.0200 to +0.0066)'
    """
    if change.ends is None:
        return f"{change.value:+.4f} (unknown: {change.too_few})"
    return f"{change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
