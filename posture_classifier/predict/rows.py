"""One row of the table for each prediction."""

from typing import Any

from posture_classifier.data.folder import TABLE_COLUMNS
from posture_classifier.inference import PhotoClassifier, Prediction
from posture_classifier.predict.catching import Catch


class Rows:
    """Makes rows, with those columns only that the network has something to say in.

    Args:
        classifier: The network.
        catch: The class to be caught, if any. The rule behind ``sure`` was measured for the most
            probable class, so that there is no such column then.
        heat_maps: Whether there is a column with the name of each photo's heat map.
    """

    def __init__(self, classifier: PhotoClassifier, catch: Catch | None, heat_maps: bool) -> None:
        evaluation = classifier.evaluation
        self._catch = catch
        self._class_columns = {name: f"class {name}" if name in TABLE_COLUMNS else name for name in classifier.class_names}
        sure = bool(evaluation and evaluation.abstention and catch is None)
        familiar = bool(evaluation and evaluation.familiarity)
        self.columns = [
            *("path", "label", "probability", *self._class_columns.values()),
            *(["sure"] if sure else []),
            *(["distance", "familiar"] if familiar else []),
            *(["heat_map"] if heat_maps else []),
            "error",
        ]

    def label(self, prediction: Prediction) -> str | None:
        """What a photo is said to be; None where it cannot be read."""
        if self._catch is None or prediction.probabilities is None:
            return prediction.label
        return self._catch.label(prediction.probabilities)

    def row(self, prediction: Prediction, heat_map: str | None = None) -> dict[str, Any]:
        """A row; its probability is that of the label, and cells without a value are None."""
        label, probabilities = self.label(prediction), prediction.probabilities or {}
        cells = {
            "path": prediction.path,
            "label": label,
            "probability": None if label is None else probabilities[label],
            **{column: probabilities.get(name) for name, column in self._class_columns.items()},
            "sure": prediction.sure,
            "distance": prediction.distance,
            "familiar": prediction.familiar,
            "heat_map": heat_map,
            "error": prediction.error,
        }
        return {column: cells[column] for column in self.columns}
