"""Predictions as charts and tables of Weights & Biases; all of them work without a network."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from posture_classifier.data.folder import Photos
from posture_classifier.images.decode import decode
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import reliability
from posture_classifier.utils.types import Floats

if TYPE_CHECKING:
    import wandb
    from wandb.plot.custom_chart import CustomChart

POINTS = 100
"""Of a curve; W&B draws no more of a table well."""
WORST = 30
"""Rows in the table of mistakes."""
THUMBNAIL = 224
"""Longest side in pixels."""


def wandb_charts(predictions: Predictions, classes: list[str]) -> "dict[str, CustomChart]":
    """Confusion matrix, ROC and precision-recall curves of each class against the rest, and calibration."""
    import wandb
    from sklearn.metrics import precision_recall_curve, roc_curve

    rates, precisions = [], []
    for label in range(len(classes)):
        positive, scores = predictions.labels == label, predictions.probabilities[:, label]
        if 0 < positive.sum() < len(positive):
            false_alarms, caught, _ = roc_curve(positive, scores)
            precision, recall, _ = precision_recall_curve(positive, scores)
            rates.append((classes[label], false_alarms, caught))
            precisions.append((classes[label], recall[::-1], precision[::-1]))
    bins = reliability(predictions)
    filled = bins.counts > 0
    calibration = [
        ("measured", bins.confidence[filled], bins.accuracy[filled]),
        ("ideal", np.array([0.0, 1.0]), np.array([0.0, 1.0])),
    ]
    confusion = wandb.plot.confusion_matrix(
        y_true=predictions.labels.tolist(), preds=predictions.predicted.tolist(), class_names=classes, title="confusion matrix"
    )
    return {
        "charts/confusion_matrix": confusion,
        "charts/roc": _lines(rates, "ROC: recall by false alarms", "false alarms"),
        "charts/precision_recall": _lines(precisions, "precision by recall", "recall"),
        "charts/calibration": _lines(calibration, "calibration: accuracy by confidence", "confidence"),
    }


def _lines(series: list[tuple[str, Floats, Floats]], title: str, x_name: str) -> "CustomChart":
    """Named curves (N,) over (N,), thinned."""
    import wandb

    kept = [(name, *(column[_thinned(len(x))].tolist() for column in (x, y))) for name, x, y in series]
    names, xs, ys = ([row[part] for row in kept] for part in range(3))
    return wandb.plot.line_series(xs=xs, ys=ys, keys=names, title=title, xname=x_name)


def _thinned(n: int) -> Any:
    return np.unique(np.linspace(0, n - 1, min(n, POINTS)).astype(np.int64))


def mistakes(predictions: Predictions, photos: Photos, names: bool, pictures: bool) -> "wandb.Table":
    """The photos whose true class got the lowest probability, of those that are wrong.

    Args:
        predictions: Of N photos.
        photos: The same N.
        names: Whether to name file and group; a number stands in for the file otherwise.
        pictures: Whether to show the photos, small.
    """
    import wandb

    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    worst = wrong[np.argsort(-predictions.losses[wrong], kind="stable")][:WORST]
    classes = photos.classes
    rows: list[Iterable[Any]] = []
    for i in worst.tolist():
        row: list[Any] = [photos.paths[i], photos.groups[i]] if names else [i]
        row += [wandb.Image(_thumbnail(photos, i))] if pictures else []
        row += [classes[photos.labels[i]], classes[predictions.predicted[i]], *predictions.probabilities[i].tolist()]
        rows.append(row)
    columns: list[str | int] = [
        *(["path", "group"] if names else ["photo"]),
        *(["picture"] if pictures else []),
        "label",
        "predicted",
        *classes,
    ]
    return wandb.Table(columns=columns, data=rows)


def _thumbnail(photos: Photos, index: int) -> Image.Image:
    image = decode(photos.file(index), at_least=THUMBNAIL)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return image
