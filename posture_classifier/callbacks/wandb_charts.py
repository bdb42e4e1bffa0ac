"""Predictions as charts and tables of Weights & Biases, made without a network."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from posture_classifier.data.folder import Photos
from posture_classifier.images.decode import decode
from posture_classifier.images.depth import FULL_RANGE, WhiteLevels
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.metrics.reliability import reliability
from posture_classifier.utils.types import Floats

if TYPE_CHECKING:
    import wandb
    from wandb.plot.custom_chart import CustomChart

MAX_POINTS = 100
"""Largest number of points of a curve; W&B draws no more of a table well."""
MAX_MISTAKES = 30
"""Largest number of rows in the table of mistakes."""
THUMBNAIL_SIZE = 224
"""Longest side in pixels."""


def wandb_charts(predictions: Predictions, classes: list[str]) -> "dict[str, CustomChart]":
    """Confusion matrix, calibration, and for each class ROC and precision-recall curves.

    Args:
        predictions: Predictions for N photos.
        classes: C class names, in the order of the labels.
    """
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


def _lines(curves: list[tuple[str, Floats, Floats]], title: str, x_name: str) -> "CustomChart":
    """A chart of several curves, each a name with x (N,) and y (N,)."""
    import wandb

    names, xs, ys = [], [], []
    for name, x, y in curves:
        shown = np.unique(np.linspace(0, len(x) - 1, min(len(x), MAX_POINTS)).astype(np.int64))
        names.append(name)
        xs.append(x[shown].tolist())
        ys.append(y[shown].tolist())
    return wandb.plot.line_series(xs=xs, ys=ys, keys=names, title=title, xname=x_name)


def mistakes(
    predictions: Predictions, photos: Photos, names: bool, pictures: bool, white: WhiteLevels | None = FULL_RANGE
) -> "wandb.Table":
    """A table of the wrongly predicted photos whose true class got the lowest probability.

    Args:
        predictions: Predictions for N photos.
        photos: The same N photos.
        names: Whether to name file and group, rather than number the photos.
        pictures: Whether to show small copies of the photos.
        white: The values that are white in photos of more than 8 bits.
    """
    import wandb

    wrong = np.flatnonzero(predictions.predicted != predictions.labels)
    worst = wrong[np.argsort(-predictions.losses[wrong], kind="stable")][:MAX_MISTAKES]
    classes = photos.classes
    rows: list[Iterable[Any]] = []
    for i in worst.tolist():
        row: list[Any] = [photos.paths[i], photos.groups[i]] if names else [i]
        row += [wandb.Image(_thumbnail(photos.file(i), white))] if pictures else []
        row += [classes[photos.labels[i]], classes[predictions.predicted[i]], *predictions.probabilities[i].tolist()]
        rows.append(row)
    columns: list[str | int] = ["path", "group"] if names else ["photo"]
    columns += ["picture"] if pictures else []
    columns += ["label", "predicted", *classes]
    return wandb.Table(columns=columns, data=rows)


def _thumbnail(file: str, white: WhiteLevels | None) -> Image.Image:
    image = decode(file, THUMBNAIL_SIZE, white)
    image.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE))
    return image
