"""Shortcuts: file properties or light that alone tell the classes; a network may learn them."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.sample import Folds, Sample
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.exif import UNIX_EPOCH
from posture_classifier.images.facts import Facts
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
from posture_classifier.utils.text import one_line, shortlist
from posture_classifier.utils.types import Floats, Ints

MARGIN = 0.15
"""How far above chance the balanced accuracy must be, besides an interval that lies above chance:
classes may differ a little in brightness without harm."""
STRONG = 0.3
"""How far above chance the interval must lie for light to be a warning rather than a note: it may
be what the classes are about."""
FILE_PROPERTIES: dict[str, Callable[[Facts], float]] = {
    "width": lambda fact: fact.width,
    "height": lambda fact: fact.height,
    "JPEG quality": lambda fact: fact.quality,
    "date": lambda fact: fact.taken,
}
"""Numbers that have nothing to do with what is on a photo."""
NAMED_PROPERTIES: dict[str, Callable[[Facts], str]] = {"format": lambda fact: fact.format, "camera": lambda fact: fact.camera}
"""Names that have nothing to do with what is on a photo, either."""
LIGHT: dict[str, Callable[[Facts], float]] = {
    "brightness": lambda fact: fact.brightness,
    "contrast": lambda fact: fact.contrast,
    "red of the corners": lambda fact: fact.corners[0],
    "green of the corners": lambda fact: fact.corners[1],
    "blue of the corners": lambda fact: fact.corners[2],
}
Columns = dict[str, Sequence[float | str]]
"""What N photos have of each property."""
MISSING = -1e12
"""Number in place of an unknown value: trees can tell it from every other."""
MOST_EXAMPLES = 24
"""Example photos in all: as many as can be looked at side by side."""
SHOWN_NAMES = 3
"""Names of formats or cameras that a caption has, at most."""


def findings(folder: CheckedFolder) -> list[Finding]:
    """Report shortcuts, where there are enough photos to look for them."""
    if folder.folds is None:
        return []
    return shortcut_findings(folder.scan, folder.sample, folder.folds, folder.readable.paths.tolist())


def shortcut_findings(scan: Scan, sample: Sample, folds: Folds, paths: Sequence[str]) -> list[Finding]:
    """Report file properties and light, if a small model that is shown only these beats chance.

    Folds and paths are those of the N photos of the sample.
    """
    facts = [scan.facts[index] for index in sample.rows]
    properties: Columns = {name: [float(get(fact)) for fact in facts] for name, get in FILE_PROPERTIES.items()}
    properties |= {name: [get(fact) for fact in facts] for name, get in NAMED_PROPERTIES.items()}
    light: Columns = {name: [float(get(fact)) for fact in facts] for name, get in LIGHT.items()}
    shortcuts = [
        _shortcut("file_property_shortcut", "file properties", properties, sample, folds, paths),
        _shortcut("light_shortcut", "brightness and background corners", light, sample, folds, paths),
    ]
    return [finding for finding in shortcuts if finding]


def _numbers(name: str, values: Sequence[Any]) -> Floats:
    """A column (N,) of numbers; ``MISSING`` where one is unknown."""
    column = _by_frequency(list(values)) if name in NAMED_PROPERTIES else np.array(values)
    return np.where(np.isnan(column), MISSING, column)


def _by_frequency(names: list[str]) -> Floats:
    """Turn names into numbers: the most frequent is 0, the next 1."""
    numbers = {name: float(number) for number, (name, _) in enumerate(Counter(names).most_common())}
    return np.array([numbers[name] for name in names])


def _shortcut(kind: str, what: str, columns: Columns, sample: Sample, folds: Folds, paths: Sequence[str]) -> Finding | None:
    from sklearn.metrics import balanced_accuracy_score

    filled = {name: _numbers(name, values) for name, values in columns.items()}
    varying = {name: values for name, values in filled.items() if len(np.unique(values)) > 1}
    if not varying:
        return None
    probabilities = _predict(np.column_stack(list(varying.values())), sample.labels, folds)
    found = _balanced_accuracy(sample, probabilities.argmax(1))
    if found.value is None or found.ends is None:
        return None  # too few groups show nothing
    accuracy, (low, high), chance = found.value, found.ends, 1 / len(sample.class_names)
    if low <= chance or accuracy < chance + MARGIN:
        return None
    alone = {
        name: float(balanced_accuracy_score(sample.labels, _predict(values[:, None], sample.labels, folds).argmax(1)))
        for name, values in varying.items()
    }
    used = sorted(alone, key=lambda name: -alone[name])[:3]
    severity: Severity = "warning" if kind == "file_property_shortcut" or low > chance + STRONG else "note"
    text = (
        f"A small model that is shown no picture, only {what}, finds {accuracy:.0%} of each class ({low:.0%} to {high:.0%}; "
        f"chance is {chance:.0%}). What it used, each alone: {', '.join(f'{name} {alone[name]:.0%}' for name in used)}. A network "
        "can learn that, too, and fails where it no longer holds; take photos of every class in the same way."
    )
    values = {"balanced_accuracy": accuracy, "low": low, "high": high, "chance": chance, "alone": alone}
    examples = shortcut_examples(probabilities, sample, paths, used[0], columns[used[0]])
    return Finding(kind, severity, text, values=values, examples=examples)


def _predict(table: Floats, labels: Ints, folds: Folds) -> Floats:
    """Predict out-of-fold probabilities (N, C) from a table (N, K) by a few small trees."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    # With a single column all trees of a forest would be alike.
    model = DecisionTreeClassifier() if table.shape[1] == 1 else RandomForestClassifier(30)
    model.set_params(max_depth=5, min_samples_leaf=3, class_weight="balanced", random_state=0)
    probabilities: Floats = cross_val_predict(model, table, labels, cv=folds, method="predict_proba")
    return probabilities


def _balanced_accuracy(sample: Sample, predicted: Ints) -> Estimate:
    """Balanced accuracy with the ends of its 95 % confidence interval over joined groups."""
    certain = np.eye(len(sample.class_names))[predicted]
    predictions = Predictions(np.arange(len(predicted)), sample.labels, certain)
    return estimates(predictions, sample.joined_groups.astype(np.str_))["balanced_accuracy"]


def shortcut_examples(
    probabilities: Floats, sample: Sample, paths: Sequence[str], column: str, values: Sequence[float | str]
) -> dict[str, list[str]]:
    """Choose the photos of each class that a small model is surest about, and that mislead it most.

    Args:
        probabilities: (N, C) of the model that saw nothing but the shortcut, out of fold.
        sample: The N photos.
        paths: Path of each photo.
        column: The property that alone tells most, which captions name.
        values: What each photo has of it.

    Returns:
        Paths by caption; of each group one photo before there is another of it, and of more than
        ``MOST_EXAMPLES / 2`` classes those only that the model finds best.
    """
    n_classes, predicted = len(sample.class_names), probabilities.argmax(1)
    each = max(1, MOST_EXAMPLES // (2 * n_classes))
    found = np.bincount(sample.labels, predicted == sample.labels) / np.bincount(sample.labels)
    examples = {}
    for label in sorted(np.argsort(-found, kind="stable")[: MOST_EXAMPLES // 2].tolist()):
        rows = np.flatnonzero(sample.labels == label)
        surest = rows[np.argsort(-probabilities[rows, label], kind="stable")]
        typical = _spread(surest[predicted[surest] == label], sample.joined_groups, each)
        misled = _spread(surest[predicted[surest] != label][::-1], sample.joined_groups, each)
        name = sample.class_names[label]
        parts = {f"typical of {name}": typical}
        parts |= {
            f"{name}, but taken for {sample.class_names[other]}": misled[predicted[misled] == other]
            for other in np.unique(predicted[misled]).tolist()
        }
        for caption, chosen in parts.items():
            if len(chosen):
                words = in_words(column, [values[row] for row in chosen])
                examples[f"{caption} ({column}: {words})"] = [paths[row] for row in chosen]
    return examples


def _spread(rows: Ints, groups: Ints, most: int) -> Ints:
    """The first rows, one of each group before there is another of it."""
    _, first = np.unique(groups[rows], return_index=True)
    others = np.setdiff1d(np.arange(len(rows)), first)
    spread: Ints = rows[np.concatenate([np.sort(first), others])]
    return spread[:most]


def in_words(column: str, values: Sequence[float | str]) -> str:
    """What photos have of a property: the range of a number or date, or the names that occur.

    Example:
        >>> in_words("width", [640.0, 480.0, 480.0]), in_words("date", [0.0, 90_000.0])
        ('480 to 640', '1970-01-01 to 1970-01-02')
        >>> in_words("camera", ["Phone", ""])
        'Phone, unknown'
    """
    names = {one_line(value) or "unknown" for value in values if isinstance(value, str)}
    if names:
        return shortlist(sorted(names), SHOWN_NAMES)
    known = sorted(value for value in values if isinstance(value, float) and not math.isnan(value))
    if not known:
        return "unknown"
    low, high = (_day(value) if column == "date" else f"{value:.0f}" for value in (known[0], known[-1]))
    return low if low == high else f"{low} to {high}"


def _day(taken: float) -> str:
    return f"{UNIX_EPOCH + timedelta(seconds=taken):%Y-%m-%d}"
