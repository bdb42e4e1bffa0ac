"""A finished run as Python code and notebooks see it."""

import base64
import json
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from posture_classifier.inference import Classifier
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.scores import METRICS
from posture_classifier.models.checkpoint import Measured
from posture_classifier.rendering.confusion_matrix import draw_confusion
from posture_classifier.rendering.elements import render
from posture_classifier.rendering.fonts import fonts
from posture_classifier.rendering.formatting import describe_estimate, describe_interval, describe_value
from posture_classifier.rendering.learning_curves import draw_curves
from posture_classifier.report.page import NAME, write_report
from posture_classifier.runs.names import CONFIG_YAML, METRICS_CSV, PREDICTIONS_CSV, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.predictions import PredictionTable, read_prediction_table
from posture_classifier.runs.reading import read_settings
from posture_classifier.runs.tables import read_curves
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size, first_line
from posture_classifier.utils.validation import mismatch


@dataclass(frozen=True)
class Run:
    """What ``train`` or ``cross_validate`` found out; all of it is read from the run's folder.

    In a notebook it shows its figures and pictures.

    Args:
        folder: ``lightning_logs/<experiment>/version_N`` or ``crossval_N``, of this or any other
            process.

    Raises:
        UserError: The folder is no finished run.

    Example:
        >>> run = Run("lightning_logs/photos/version_0")
        >>> run.accuracy
        Estimate(value=0.5, low=0.011945757295617266, high=0.9880542427043827, too_few=None)
        >>> run.images, run.groups, run.predictions.classes
        (8, 2, ['left', 'right'])
    """

    folder: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", Path(self.folder))
        _ = self.summary  # a folder that is none is told at once

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Content of ``summary.json``."""
        path = self.folder / SUMMARY_JSON
        try:
            summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            reason = mismatch(summary, Measured)
        except FileNotFoundError as error:
            raise UserError(
                f"{self.folder} is not the folder of a finished run, since it has no {SUMMARY_JSON}; expected "
                "lightning_logs/<experiment>/version_N or crossval_N"
            ) from error
        except (OSError, ValueError, RecursionError) as error:
            reason = first_line(error)
        if reason:
            raise UserError(f"{path} is damaged ({reason}); put back what the run wrote")
        return summary

    @cached_property
    def estimates(self) -> dict[str, Estimate]:
        """The metrics that could be measured, each with its 95 % interval, by their names.

        All are about ``images`` photos of ``groups`` groups.
        """
        return {name: Estimate(**self.summary[name]) for name in METRICS if name in self.summary}

    @property
    def accuracy(self) -> Estimate:
        """Share of photos that are right, with its 95 % interval."""
        return self.estimates["accuracy"]

    @property
    def images(self) -> int:
        """Number of photos that the figures are about."""
        return int(self.summary["images"])

    @property
    def groups(self) -> int | None:
        """Number of groups of these photos; None where no groups are known."""
        groups: int | None = self.summary["groups"]
        return groups

    @property
    def split(self) -> str:
        """The photos that the figures are about: ``test``, ``val`` or ``cross-validation``."""
        return "cross-validation" if self._is_crossval else str(self.summary["split"])

    @property
    def _is_crossval(self) -> bool:
        return (self.folder / SETTINGS_YAML).is_file()

    @cached_property
    def predictions(self) -> PredictionTable:
        """Paths, groups, true classes and predicted probabilities of these photos.

        Raises:
            UserError: The file is gone or damaged.
        """
        return read_prediction_table(self.folder / ("" if self._is_crossval else self.split) / PREDICTIONS_CSV)

    @cached_property
    def classifier(self) -> Classifier:
        """The network of the best epoch.

        Raises:
            UserError: The run has none, as a cross-validation whose networks are those of its
                folds.
        """
        settings = read_settings(self.folder / (SETTINGS_YAML if self._is_crossval else CONFIG_YAML))
        return Classifier.load(self.folder, precision=settings.get("precision", "auto"))

    def report(self) -> Path:
        """The page that can be read and sent, ``report.html``; it is written if it is not there.

        Raises:
            UserError: The folder cannot be reported on.
        """
        path = self.folder / NAME
        if not path.is_file():
            write_report(self.folder, path)
        return path

    @property
    def plots(self) -> dict[str, Figure]:
        """The run's pictures by name: ``confusion_matrix`` and, of one training, ``curves``."""
        table = self.predictions
        title = f"{self.split}: accuracy {describe_estimate(self.accuracy)}\n{describe_size(self.summary)}"
        figures = {"confusion_matrix": draw_confusion(table.predictions.confusion, table.classes, title)}
        if rows := read_curves(self.folder / METRICS_CSV):
            figures["curves"] = draw_curves(rows)
        return figures

    def __repr__(self) -> str:
        size = describe_size(self.summary)
        return f"<Run {self.folder}: {self.split} accuracy {describe_estimate(self.accuracy)} on {size}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the figures, and the pictures below them."""
        rows = [
            (METRICS[name].title, describe_value(estimate.value), describe_interval(estimate))
            for name, estimate in self.estimates.items()
        ]
        caption = f"{self.folder}: {self.split}, {describe_size(self.summary)}"
        table = render("elements.html", "table", head=("metric", "value", "95 % interval"), rows=rows, caption=caption)
        with rc_context({"font.family": fonts()}):
            pictures = [_picture(figure, name.replace("_", " ")) for name, figure in self.plots.items()]
        return Markup("").join([table, *pictures])


def _picture(figure: Figure, alt: str) -> Markup:
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight", pad_inches=0.15)
    source = f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Markup('<img src="{}" alt="{}">').format(source, alt)
