"""Probable label errors: confident learning (Northcutt et al. 2021) with a linear probe."""

import numpy as np
import numpy.typing as npt

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.outliers import unclear_photos
from posture_classifier.check.sample import MIN_GROUPS_FOR_LABELS, Folds, Sample
from posture_classifier.data.scan.similarity import similarity_blocks
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Floats, Ints

COMPONENTS = 64
"""Principal components of the features that the probe sees: a few hundred photos cannot fix more
weights."""
NEIGHBOURS = 10
AGREEING = 0.7
"""Share of the nearest photos of other groups that must be of the class that the probe predicts."""
TRUSTED = 0.9
"""Balanced accuracy of the probe from which its suspects are worth a warning; below it they are a
note: at 0.86, one of eleven suspects was right on photos of hands."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report photos that look like another class, the most certain first.

    Each is judged by a probe that never saw its group.
    """
    sample, folds, photos = folder.sample, folder.folds, folder.photos
    if folds is None or min(sample.groups_per_class) < MIN_GROUPS_FOR_LABELS:
        return []
    from sklearn.metrics import balanced_accuracy_score

    # What can hardly be seen says nothing about its label.
    unclear = {path for finding in unclear_photos(folder) if finding.severity == "warning" for (path,) in finding.photos}
    probabilities = _probe(sample, folds)
    predicted = probabilities.argmax(1)
    accuracy = float(balanced_accuracy_score(sample.labels, predicted))
    suspects = find_suspects(sample.labels, probabilities)
    captions = {}
    for index in suspects[_neighbours_agree(sample, predicted, suspects)]:
        path = str(photos.paths[sample.rows[index]])
        if path not in unclear:
            label, other = sample.class_names[sample.labels[index]], sample.class_names[predicted[index]]
            captions[path] = f"{label}; looks like {other} ({probabilities[index].max():.0%})"
    if not captions:
        return []
    text = (
        f"{plural(len(captions), 'photo looks', 'photos look')} like another class than their folder says. Look at them: a linear "
        f"probe that never saw their groups is right on {accuracy:.0%} of the photos of each class."
    )
    severity: Severity = "warning" if accuracy >= TRUSTED else "note"
    values = {"probe_balanced_accuracy": accuracy, "suspects": len(captions)}
    return [Finding("label_errors", severity, text, [[path] for path in captions], list(captions.values()), values)]


def _probe(sample: Sample, folds: Folds) -> Floats:
    """Train a linear probe on the frozen features; returns out-of-fold probabilities (N, C)."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    components = PCA(min(COMPONENTS, len(sample.labels) // 10), random_state=0)
    # A strong penalty: what counts are honest probabilities, not the last per cent of accuracy.
    model = make_pipeline(components, StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced"))
    result: Floats = cross_val_predict(model, sample.features, sample.labels, cv=folds, method="predict_proba")
    return result


def find_suspects(labels: Ints, probabilities: Floats) -> Ints:
    """Find the photos that the probe confidently counts as another class, worst first.

    These are the off-diagonal photos of the confident joint (section 3.1), by normalised margin
    (section 3.2). A photo counts as class j if its probability of j reaches the mean that photos
    labelled j have; of several such classes the most probable one counts. The suspects are those
    that count as another class than their label.

    Args:
        labels: (N,) classes from 0 to C - 1, each of which occurs.
        probabilities: (N, C) predictions of a model that was not trained on the photo.

    Returns:
        The indices (S,) of the suspects.
    """
    own = probabilities[np.arange(len(labels)), labels]
    thresholds = np.bincount(labels, own) / np.bincount(labels)
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    counted_as = confident.argmax(1)
    found = np.flatnonzero((confident.max(1) >= 0) & (counted_as != labels) & (probabilities.argmax(1) == counted_as))
    margin = own - probabilities.max(1)
    result: Ints = found[np.argsort(margin[found], kind="stable")]
    return result


def _neighbours_agree(sample: Sample, predicted: Ints, suspects: Ints) -> npt.NDArray[np.bool_]:
    """Ask the nearest photos of other groups, which make other mistakes than the probe.

    Returns:
        (S,) whether most of them are of the class that the probe predicts for the suspect.
    """
    agree = []
    for rows, cosine in similarity_blocks(sample.features[suspects], sample.features):
        index = suspects[rows]
        cosine[sample.joined_groups[index, None] == sample.joined_groups] = -1
        nearest = sample.labels[np.argsort(-cosine, axis=1, kind="stable")[:, :NEIGHBOURS]]
        agree.append((nearest == predicted[index, None]).mean(1) >= AGREEING)
    return np.concatenate([*agree, np.zeros(0, dtype=np.bool_)])
