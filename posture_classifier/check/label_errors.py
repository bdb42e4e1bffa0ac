"""Probable label errors: photos that a linear head, trained without their group, puts elsewhere."""

from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.check import outliers
from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding
from posture_classifier.check.group_ridge import GroupRidge, Stages, centre_groups, head_features
from posture_classifier.check.label_trials import RATE, Trials, false_discovery_rates, run_trials
from posture_classifier.check.sample import MIN_GROUPS_FOR_LABELS, Sample
from posture_classifier.data.scan.similarity import Features
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Ints

Mask = npt.NDArray[np.bool_]


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report photos that look like another class, the most certain first.

    Nothing is listed unless most of what would be listed is right in trials with planted errors.
    """
    sample = folder.sample
    if folder.folds is None or min(sample.groups_per_class) < MIN_GROUPS_FOR_LABELS:
        return []
    suspects, predicted, trials = find_suspects(sample, folder.scan.stages[sample.rows], odd_photos(folder))
    values: dict[str, Any] = {"planted": trials.planted, "trial_listed": trials.listed, "trial_right": trials.right}
    if trials.level is None:
        return [Finding("unchecked", "note", _refusal(trials), values=values)]
    if len(suspects) == 0:
        return []
    names = sample.class_names
    captions = [f"{names[sample.labels[index]]}; looks like {names[predicted[index]]}" for index in suspects]
    text = (
        f"{plural(len(suspects), 'photo looks', 'photos look')} like another class than their folder says. Look at them: in "
        f"trials with {RATE:.0%} of the labels changed on purpose, {trials.right} of {trials.listed} photos listed in this way "
        "were truly wrong. Where fewer labels are wrong, fewer of those listed are."
    )
    paths = [[path] for path in folder.readable.paths[suspects].tolist()]
    values |= {"suspects": len(suspects), "looks_like": [names[predicted[index]] for index in suspects]}
    return [Finding("label_errors", "warning", text, paths, captions, values)]


def _refusal(trials: Trials) -> str:
    found = f"only {trials.right} of {trials.listed} photos listed were truly wrong" if trials.listed else "none was found"
    return (
        f"Probable label errors are not listed, since a list would mostly be wrong: in trials with {RATE:.0%} of the labels "
        f"changed on purpose ({trials.planted} in all), {found}."
    )


def odd_photos(folder: CheckedFolder) -> Mask:
    """Whether each photo (N,) of the sample is reported as unclear, or as unlike all others.

    What can hardly be seen says nothing about its label, and what is unlike all photos that a head
    has learnt from is beyond what it can judge.
    """
    found = [finding for finding in outliers.unclear_photos(folder) if finding.severity == "warning"]
    found += [finding for finding in outliers.findings(folder) if finding.kind == "outliers"]
    paths = [path for finding in found for (path,) in finding.photos]
    return np.isin(np.asarray(folder.readable.paths), np.array(paths, dtype=np.str_))


def find_suspects(sample: Sample, stages: Stages, odd: Mask) -> tuple[Ints, Ints, Trials]:
    """Find the photos whose label is probably wrong.

    Args:
        sample: N photos.
        stages: (N, S) features of the earlier stages, as in ``Scan``.
        odd: (N,) photos that are never listed.

    Returns:
        The indices of the suspects, the most certain first; the class (N,) that each photo looks
        like; and the trials that decided how much is listed.
    """
    ridge, scores = _best_head(sample, stages)
    rates = false_discovery_rates(sample.labels, scores)
    trials = run_trials(ridge, sample.labels, rates, odd)
    found = np.flatnonzero((rates <= (-1 if trials.level is None else trials.level)) & ~odd)
    return found[np.argsort(rates[found], kind="stable")], scores.argmax(1), trials


def _best_head(sample: Sample, stages: Stages) -> tuple[GroupRidge, Features]:
    """Train a head on the features, or on what is left of them without the mean of each group.

    Returns:
        The one that finds more of each class, and its scores (N, C).
    """
    from sklearn.metrics import balanced_accuracy_score

    n_classes, groups = len(sample.class_names), sample.joined_groups
    features = head_features(sample.features, stages)
    heads = [GroupRidge(features, groups)]
    if len(np.unique(groups)) < len(groups):
        heads.append(GroupRidge(centre_groups(features, groups), groups))
    scores = [head.class_scores([sample.labels], n_classes)[0] for head in heads]
    best = int(np.argmax([balanced_accuracy_score(sample.labels, score.argmax(1)) for score in scores]))
    return heads[best], scores[best]
