"""One row of the table for each prediction."""

from collections.abc import Iterator
from typing import Any, Protocol

from posture_classifier.inference import Prediction
from posture_classifier.predict.catching import Catch
from posture_classifier.runs.checkpoints import Evaluation

OWN_COLUMNS = ("path", "label", "probability", "sure", "distance", "familiar", "heat_map", "error")


class AnyClassifier(Protocol):
    """What ``Classifier`` and ``ExportedClassifier`` have in common.

    Attributes:
        class_names: The classes.
        evaluation: How good it is; None if that was not measured.
    """

    class_names: list[str]
    evaluation: Evaluation | None

    def stream(self, photos: Any, batch_size: int | None = None) -> Iterator[Prediction]:
        """Classify photos one by one in order."""


class Rows:
    """Makes rows, with those columns only that the network has something to say in.

    Args:
        classifier: The network.
        catch: The class to be caught, if any. The rule behind ``sure`` was measured for the most
            probable class, so that there is no such column then.
        heat_maps: Whether there is a column with the name of each photo's heat map.
    """

    def __init__(self, classifier: AnyClassifier, catch: Catch | None, heat_maps: bool) -> None:
        evaluation = classifier.evaluation
        self._catch = catch
        self._class_columns = {name: f"class {name}" if name in OWN_COLUMNS else name for name in classifier.class_names}
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
