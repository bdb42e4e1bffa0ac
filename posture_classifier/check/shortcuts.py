"""Whether files and light alone tell the classes apart: then a network learns these rather than what is on the photos."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from posture_classifier.check.finding import Finding, Severity
from posture_classifier.check.label_errors import balanced_accuracy
from posture_classifier.check.linear_probe import Floats, Folds, Ints, Sample
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.facts import Facts

DRAWS = 500
MARGIN = 0.1
"""Above chance that the interval must lie: classes do differ a little in brightness, and mean no harm by it."""
STRONG = 0.3
"""Above chance from which light and background are a warning rather than a note: they may be what the classes are about."""
FILE: dict[str, Callable[[Facts], float]] = {
    "width": lambda fact: fact.width,
    "height": lambda fact: fact.height,
    "JPEG quality": lambda fact: fact.quality,
    "date": lambda fact: fact.taken,
}
"""What has nothing to do with what is on a photo; format and camera are added as their rank by frequency."""
LIGHT: dict[str, Callable[[Facts], float]] = {
    "brightness": lambda fact: fact.brightness,
    "contrast": lambda fact: fact.contrast,
    "red of the corners": lambda fact: fact.corners[0],
    "green of the corners": lambda fact: fact.corners[1],
    "blue of the corners": lambda fact: fact.corners[2],
}


def shortcut_findings(scan: Scan, sample: Sample, parts: Folds) -> list[Finding]:
    """One finding for the files and one for the light, each if a small model on these alone beats chance."""
    facts = [scan.facts[index] for index in sample.rows]
    columns = {name: np.array([float(get(fact)) for fact in facts]) for name, get in FILE.items()}
    columns |= {"format": _ranks([fact.format for fact in facts]), "camera": _ranks([fact.camera for fact in facts])}
    light = {name: np.array([get(fact) for fact in facts]) for name, get in LIGHT.items()}
    found = [
        _finding("file_shortcut", "what the files are like", columns, sample, parts),
        _finding("light_shortcut", "brightness and background corners", light, sample, parts),
    ]
    return [finding for finding in found if finding]


def _ranks(names: list[str]) -> Floats:
    order = {name: float(rank) for rank, (name, _) in enumerate(Counter(names).most_common())}
    return np.array([order[name] for name in names])


def _finding(kind: str, what: str, columns: dict[str, Floats], sample: Sample, parts: Folds) -> Finding | None:
    columns = {name: values for name, values in columns.items() if len(np.unique(values[~np.isnan(values)])) > 1 or _half(values)}
    if not columns:
        return None
    table = np.column_stack(list(columns.values()))
    predicted = _predict(table, sample.labels, parts)
    accuracy, low, high = _interval(sample, predicted)
    chance = 1 / len(sample.names)
    if low < chance + MARGIN:
        return None
    alone = {
        name: balanced_accuracy(sample.labels, _predict(table[:, [i]], sample.labels, parts)) for i, name in enumerate(columns)
    }
    used = sorted(alone, key=lambda name: -alone[name])[:3]
    severity: Severity = "warning" if kind == "file_shortcut" or low > chance + STRONG else "note"
    text = (
        f"A small model that is shown no picture, only {what}, finds {accuracy:.0%} of each class ({low:.0%} to {high:.0%}; "
        f"chance is {chance:.0%}). What it used, each alone: {', '.join(f'{name} {alone[name]:.0%}' for name in used)}. A network "
        "can learn that, too, and fails where it no longer holds; take photos of every class in the same way."
    )
    values = {"balanced_accuracy": accuracy, "low": low, "high": high, "chance": chance, "alone": alone}
    return Finding(kind, severity, text, values=values)


def _half(values: Floats) -> bool:
    """Whether some photos have the value and others lack it, such as a date."""
    return bool(0 < np.isnan(values).sum() < len(values))


def _predict(table: Floats, labels: Ints, parts: Folds) -> Ints:
    """(N,) out-of-fold classes by a few small trees, which take thresholds and missing values as they come."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    predicted = np.full(len(labels), -1, dtype=np.int64)
    filled = np.where(np.isnan(table), -1e12, table)
    for train, test in parts:
        # Of one column all trees would be alike.
        options: dict[str, Any] = {"max_depth": 5, "min_samples_leaf": 3, "class_weight": "balanced", "random_state": 0}
        model = DecisionTreeClassifier(**options) if table.shape[1] == 1 else RandomForestClassifier(30, **options)
        predicted[test] = model.fit(filled[train], labels[train]).predict(filled[test])
    return predicted


def _interval(sample: Sample, predicted: Ints) -> tuple[float, float, float]:
    """Balanced accuracy with its 95 % interval: percentile bootstrap over units (Efron and Tibshirani 1993, chapter 13)."""
    _, codes = np.unique(sample.units, return_inverse=True)
    n_units, n_classes = int(codes.max()) + 1, len(sample.names)
    right: npt.NDArray[np.float64] = np.zeros((n_units, n_classes))
    total = np.zeros((n_units, n_classes))
    np.add.at(total, (codes, sample.labels), 1)
    np.add.at(right, (codes, sample.labels), predicted == sample.labels)
    weights = np.random.default_rng(0).multinomial(n_units, np.full(n_units, 1 / n_units), size=DRAWS)
    with np.errstate(invalid="ignore"):
        drawn = np.nanmean((weights @ right) / (weights @ total), axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return balanced_accuracy(sample.labels, predicted), float(low), float(high)
