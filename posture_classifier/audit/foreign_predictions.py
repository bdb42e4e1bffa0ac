"""Reads the predictions of any program about the photos of a folder."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from posture_classifier.audit.answers import Answers, read_answers
from posture_classifier.audit.columns import ColumnNames, Roles, find_path_column, find_roles, settle
from posture_classifier.audit.photos import match_photos, with_classes
from posture_classifier.audit.table_file import NO_CLASS, TableFile, class_codes, read_table_file
from posture_classifier.data.folder import Photos
from posture_classifier.metrics.predictions import Predictions
from posture_classifier.runs.predictions import PredictionTable
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural, shortlist
from posture_classifier.utils.types import Ints


@dataclass(frozen=True)
class ForeignPredictions:
    """What a table says of the photos of a folder.

    Attributes:
        file: The table.
        photos: The M photos that have a prediction.
        table: Their predictions, in the same order.
        notes: Sentences: what was read how.
        counts: Photos ``without_prediction``, rows ``without_photo``, rows ``without_content``,
            ``repeated_rows``, and photos with ``contradictory_labels``.
    """

    file: Path
    photos: Photos
    table: PredictionTable
    notes: list[str]
    counts: dict[str, int]


def read_foreign_predictions(path: Path, photos: Photos, names: ColumnNames | None = None) -> ForeignPredictions:
    """Read a table of predictions.

    The true class of a photo is that of its folder, unless a column of true classes is named.
    Photos without classes get them from the table.

    Raises:
        UserError: The table cannot be understood, or contradicts itself.
    """
    names = names or ColumnNames()
    file, n_photos = read_table_file(path), len(photos)
    if not photos.classes:
        path_column = names.path or find_path_column(file)
        photos, label = with_classes(photos, file, path_column, names.label)
        names = replace(names, path=path_column, label=label)
    named = find_roles(file, photos.classes, names)
    roles, notes = settle(file, named, photos.classes)
    found = match_photos(file.cells[roles.path], photos, path)
    answers = read_answers(file, roles, photos.classes, found)
    labels, contradictory = _labels(file, roles, photos, answers, names.label is not None)
    if roles.said and roles.said[0] in named.either:
        _refuse_truth_as_prediction(file, roles, named, answers, labels)
    predicted = photos.select(answers.photos)
    counts = {
        "without_prediction": n_photos - len(predicted),
        "without_photo": sum(index is None for index in found),
        "without_content": answers.empty,
        "repeated_rows": answers.repeated,
        "contradictory_labels": contradictory,
    }
    notes += [*answers.notes, *_contradictions(file, roles, photos.classes, answers)]
    if contradictory:
        counted = "column" if names.label else "folder"
        number = plural(contradictory, "photo is", "photos are")
        notes.append(f"{number} of another class in column {roles.true} than by the folder; the {counted} counts.")
    predictions = Predictions(np.arange(len(predicted)), labels, answers.probabilities, answers.known)
    table = PredictionTable(np.asarray(predicted.paths), np.asarray(predicted.groups), list(photos.classes), predictions)
    return ForeignPredictions(path, replace(predicted, labels=labels), table, notes, counts)


def _labels(file: TableFile, roles: Roles, photos: Photos, answers: Answers, column_counts: bool) -> tuple[Ints, int]:
    """The true class (M,) of each photo, and how many have two."""
    by_folder = photos.labels[answers.photos]
    if roles.true is None:
        return by_folder, 0
    by_column = class_codes(file, roles.true, photos.classes)[answers.rows]
    by_column = np.where(by_column == NO_CLASS, by_folder, by_column)
    return by_column if column_counts else by_folder, int((by_column != by_folder).sum())


def _contradictions(file: TableFile, roles: Roles, classes: tuple[str, ...], answers: Answers) -> list[str]:
    """Say where a column of predicted classes is not what the probabilities beside it say."""
    if not (roles.shares and roles.said):
        return []
    said = class_codes(file, roles.said[0], classes)[answers.rows]
    n = int(((said != answers.probabilities.argmax(1)) & (said != NO_CLASS)).sum())
    if not n:
        return []
    number = plural(n, "photo")
    return [f"Column {roles.said[0]} does not name the most probable class of {number}; the probabilities count."]


def _refuse_truth_as_prediction(file: TableFile, roles: Roles, named: Roles, answers: Answers, labels: Ints) -> None:
    """Refuse a column such as ``label`` as the prediction if it is never wrong.

    It may hold the true classes, unless a confidence, or the class by name and by number, stands
    beside it.

    Raises:
        UserError: It is never wrong, and nothing tells that it is a prediction.
    """
    (column, *_), confident = roles.said, any(share.lower().startswith("conf") for share in roles.said_shares)
    if confident or (roles.said_shares and len(named.either) > 1):
        return
    if (answers.probabilities.argmax(1) == labels).all():
        raise UserError(
            f"{file.path}: column {column} is the folder's class for all {plural(len(labels), 'photo')}, so that it may be the "
            f"true one; give --predicted_column {shortlist([column])} if it is what a network said"
        )
