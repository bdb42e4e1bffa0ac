"""What keeps figures from saying how a network will do on new people, in one line."""

import numpy as np

from posture_classifier.data.near_copies import NearCopies
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.types import Ints

FEWEST_GROUPS = 5
"""Groups from which figures are not called those of few."""
LEAST_SHARE = 0.01
"""Share of photos with a near-copy that is told: fewer change the accuracy by less than a point."""
Status = dict[str, str]
"""Sentences by what they are about, the gravest first; empty if all is well."""


def find_status(
    predictions: Predictions,
    classes: list[str],
    accuracy: Estimate,
    groups: int | None,
    validation: bool = False,
    near_copies: NearCopies | None = None,
) -> Status:
    """Find what limits how far figures can be trusted.

    Args:
        predictions: Predictions of the photos that the figures are of.
        classes: Class names in the order of the labels.
        accuracy: The accuracy with its interval.
        groups: Number of groups of these photos; None where no groups are named.
        validation: Whether these photos chose the epoch.
        near_copies: How many of them have a near-copy among the photos learnt from, where known.

    Returns:
        Sentences by the keys ``one_class_said``, ``not_above_commonest``, ``near_copies``,
        ``no_groups``, ``validation_only``, ``missing_classes`` and ``few_groups``, of those that
        hold.

    Example:
        >>> said = Predictions(np.arange(4), np.array([0, 0, 1, 1]), np.tile([0.9, 0.1], (4, 1)))
        >>> status = find_status(said, ["left", "right"], Estimate(0.5, 0.1, 0.9), groups=2)
        >>> list(status)
        ['one_class_said', 'few_groups']
        >>> status["one_class_said"]
        'It says left of all 4 photos, so it tells nothing apart.'
    """
    found = _against_the_commonest(predictions, classes, accuracy)
    return found | limits_of_photos(predictions.labels, classes, groups, validation, near_copies)


def limits_of_photos(
    labels: Ints, classes: list[str], groups: int | None, validation: bool = False, near_copies: NearCopies | None = None
) -> Status:
    """Find what the photos that figures are of limit, whatever a network says of them.

    The arguments are those of ``find_status``, and the true classes (N,) as ``labels``.
    """
    found: Status = {}
    split = "validation" if validation else "test"
    if near_copies is not None and near_copies.images >= LEAST_SHARE * near_copies.of:
        found["near_copies"] = (
            f"{near_copies.images} of {plural(near_copies.of, f'{split} photo')} have a near-copy among the photos that it learnt "
            "from, so the figures flatter."
        )
    if groups is None:
        found["no_groups"] = (
            "No groups are named, so every photo counts as a person of its own: if one person is on both sides of the split, the "
            "figures flatter (data.group_pattern names groups)."
        )
    if validation:
        found["validation_only"] = "These are validation photos, which chose the epoch, so the figures flatter."
    if missing := [name for label, name in enumerate(classes) if label not in labels]:
        have, them = ("has", "it") if len(missing) == 1 else ("have", "them")
        found["missing_classes"] = f"{shortlist(missing)} {have} no {split} photos: the figures say nothing of {them}."
    n_groups, unit = (len(labels), "photo") if groups is None else (groups, "group")
    if n_groups < FEWEST_GROUPS:
        found["few_groups"] = (
            f"The figures rest on {plural(n_groups, unit)}, too few to say how others will fare: test at least {FEWEST_GROUPS}."
        )
    return found


def _against_the_commonest(predictions: Predictions, classes: list[str], accuracy: Estimate) -> Status:
    """Say whether a network is no better than always saying one class."""
    counts = np.bincount(predictions.labels, minlength=len(classes))
    if np.count_nonzero(counts) < 2:  # then nothing could be better
        return {}
    said = np.unique(predictions.predicted)
    if len(said) == 1:
        photos = plural(len(predictions.labels), "photo")
        return {"one_class_said": f"It says {shortlist([classes[said[0]]])} of all {photos}, so it tells nothing apart."}
    commonest, share = shortlist([classes[int(counts.argmax())]]), float(counts.max() / counts.sum())
    least = accuracy.value if accuracy.low is None else accuracy.low
    if least is None or least > share:
        return {}
    sentence = f"It is not shown to be better than always saying {commonest}, which is right for {100 * share:.1f} % of the photos."
    return {"not_above_commonest": sentence}


def status_line(status: Status) -> str:
    """Join the sentences to one line; empty if all is well."""
    return " ".join(status.values())
