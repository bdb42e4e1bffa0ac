"""Shortcuts: file properties or light that alone tell the classes; a network may learn them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from posture_classifier.check.checked_folder import CheckedFolder
from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.sample import Folds, Sample
from posture_classifier.check.shortcut_examples import shortcut_examples
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.facts import Facts
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.scores import estimates
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
