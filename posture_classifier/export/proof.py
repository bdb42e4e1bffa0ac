"""Runs a checkpoint and what was exported of it over the same photos, from file to label."""

from collections.abc import Iterable

import numpy as np
from rich.progress import track
from rich.table import Table

from posture_classifier.export.agreement import Agreement, compare, describe_change
from posture_classifier.export.artifact import ExportedClassifier
from posture_classifier.export.proof_photos import RunPhotos
from posture_classifier.images.photo_source import classifier_input
from posture_classifier.inference import Classifier, Prediction
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.rendering.formatting import describe_estimate
from posture_classifier.utils.console import terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size
from posture_classifier.utils.types import Floats


def prove(classifier: Classifier, artifact: ExportedClassifier, photos: RunPhotos) -> Agreement:
    """Compare an artifact with its checkpoint in fp32; photos that cannot be read are left out.

    Raises:
        UserError: No photo can be read.
    """
    one = _probabilities(classifier.stream(map(classifier_input, photos.files)), "Checkpoint", photos, classifier.class_names)
    other = _probabilities(artifact.stream(map(classifier_input, photos.files)), "Artifact", photos, classifier.class_names)
    readable = np.isfinite(one).all(1)
    if not readable.any():
        raise UserError(f"none of the {len(photos)} photos can be read, such as {photos.files[0]}; give others with --photos")
    indices = np.arange(int(readable.sum()))
    checkpoint, exported = (Predictions(indices, photos.labels[readable], values[readable]) for values in (one, other))
    return compare(checkpoint, exported, photos.groups[readable], photos.unseen, photos.grouped)


def _probabilities(predictions: Iterable[Prediction], title: str, photos: RunPhotos, classes: list[str]) -> Floats:
    """(N, C) probabilities; NaN where a photo cannot be read."""
    rows = [
        [prediction.probabilities[name] for name in classes] if prediction.probabilities else [np.nan] * len(classes)
        for prediction in track(predictions, title, len(photos), console=terminal(), transient=True)
    ]
    return np.array(rows, dtype=np.float64)


def agreement_table(agreement: Agreement) -> Table:
    """The agreement as a table for a terminal."""
    what = "that it has not learnt from" if agreement.accuracy else "that it has learnt from: they show agreement, not accuracy"
    table = Table("", "checkpoint", "artifact", "difference", caption=f"on {describe_size(vars(agreement))} {what}")
    for title, pair in (("accuracy", agreement.accuracy), ("log loss", agreement.log_loss)):
        if pair:
            table.add_row(
                title, *(describe_estimate(each) for each in (pair.checkpoint, pair.artifact)), describe_change(pair.difference)
            )
    table.add_row("other labels", "", f"{agreement.other_labels} of {agreement.images}", "")
    table.add_row("probability, largest difference", "", "", f"{agreement.largest_difference:.2g}")
    table.add_row("probability, mean difference", "", "", f"{agreement.mean_difference:.2g}")
    return table
