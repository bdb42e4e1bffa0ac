"""Probable label errors: confident learning (Northcutt et al. 2021) on predictions that saw nothing of a photo's group."""

import numpy as np
import numpy.typing as npt

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.linear_probe import Floats, Folds, Ints, Sample, probe
from posture_classifier.data.folder import Photos
from posture_classifier.utils.text import plural

NEIGHBOURS = 10
AGREEING = 0.7
"""Share of the nearest photos of other groups that must be of the class that the probe names."""
TRUSTED = 0.9
"""Balanced accuracy of the probe above which its doubts are worth a warning; below it they are ranked, as a note: at 0.86, one of
eleven was right on photos of hands."""


def label_findings(photos: Photos, sample: Sample, parts: Folds, unclear: set[str]) -> list[Finding]:
    """Photos that look like another class, the most certain first; but for the paths of those that can hardly be seen."""
    probabilities = probe(sample, parts)
    accuracy = balanced_accuracy(sample.labels, probabilities.argmax(1))
    suspects = suspected(sample.labels, probabilities)
    suspects = suspects[_neighbours_agree(sample, probabilities, suspects)]
    suspects = np.array([i for i in suspects if photos.paths[sample.rows[i]] not in unclear], dtype=np.int64)
    values = {"probe_balanced_accuracy": accuracy, "suspects": len(suspects)}
    if len(suspects) == 0:
        return []
    severity: Severity = "warning" if accuracy >= TRUSTED else "note"
    text = (
        f"{plural(len(suspects), 'photo looks', 'photos look')} like another class than their folder says. Look at them: a linear "
        f"probe that never saw their groups is right on {accuracy:.0%} of the photos of each class."
    )
    captions = [
        f"{sample.names[sample.labels[i]]}; looks like {sample.names[probabilities[i].argmax()]} ({probabilities[i].max():.0%})"
        for i in suspects
    ]
    paths = [[str(photos.paths[sample.rows[i]])] for i in suspects]
    exclude = {path: f"probable label error: {why}" for (path,), why in zip(paths, captions, strict=True)}
    return [Finding("label_errors", severity, text, paths, captions, values, exclude if severity == "warning" else {})]


def suspected(labels: Ints, probabilities: Floats) -> Ints:
    """Indices of the off-diagonal of the confident joint (section 3.1), by normalised margin (section 3.2), worst first.

    A photo is counted as class j if its probability of j reaches the mean that photos labelled j have; of several such classes the
    most probable one counts. Those counted as another class than their label are suspects.

    Args:
        labels: (N,) from 0 to C - 1, each of which occurs.
        probabilities: (N, C) by a model that was not trained on the photo.
    """
    own = probabilities[np.arange(len(labels)), labels]
    thresholds = np.bincount(labels, own) / np.bincount(labels)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted_as = confident.argmax(1)
    found = np.flatnonzero((confident.max(1) >= 0) & (counted_as != labels) & (probabilities.argmax(1) == counted_as))
    margin = own - probabilities.max(1)
    result: Ints = found[np.argsort(margin[found], kind="stable")]
    return result


def _neighbours_agree(sample: Sample, probabilities: Floats, suspects: Ints) -> npt.NDArray[np.bool_]:
    """(S,) a second witness that makes other mistakes: the nearest photos of other units are mostly of the class that is named."""
    agree = np.zeros(len(suspects), dtype=np.bool_)
    for place, index in enumerate(suspects.tolist()):
        cosine = sample.features @ sample.features[index]
        cosine[sample.units == sample.units[index]] = -1
        nearest = sample.labels[np.argsort(-cosine, kind="stable")[:NEIGHBOURS]]
        agree[place] = (nearest == probabilities[index].argmax()).mean() >= AGREEING
    return agree


def balanced_accuracy(labels: Ints, predicted: Ints) -> float:
    """Mean over classes of the share that was found."""
    return float(np.mean([(predicted[labels == label] == label).mean() for label in np.unique(labels)]))
