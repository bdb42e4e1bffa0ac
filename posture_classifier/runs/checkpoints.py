"""Finds the checkpoint of a run, and what is known of how good its network is."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.models.checkpoint import EVALUATION, Measured, Procedure
from posture_classifier.rendering.formatting import describe_estimate
from posture_classifier.runs.folder import run_of, versions
from posture_classifier.runs.names import BEST_CHECKPOINT, LAST_CHECKPOINT, SETTINGS_YAML, SUMMARY_JSON
from posture_classifier.runs.reading import read_summary
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import describe_size
from posture_classifier.utils.validation import mismatch

FINAL = "final"
"""Folder of the network that a cross-validation trains on all photos."""
PROCEDURES: dict[str, Procedure] = {"test": "test split", "val": "validation split, which chose the epoch"}
"""How a run measures its best checkpoint, by the split that it does so on."""


@dataclass(frozen=True)
class ClassThreshold:
    """From which probability on a class is called, so that a wanted share of its photos is caught.

    Attributes:
        wanted_recall: Share of the class's photos that is to be caught: 0.90, 0.95 or 0.99.
        threshold: Lowest calibrated probability of the class that calls it.
        recall: Share of the class's photos that were caught, among photos that chose nothing.
        false_alarms: Share of the other photos that were called by this class, too.
        precision: Share of the calls that were right.
    """

    wanted_recall: float
    threshold: float
    recall: Estimate
    false_alarms: Estimate
    precision: Estimate


@dataclass(frozen=True)
class Abstention:
    """When "not sure" is said in place of a label.

    Attributes:
        threshold: Below this calibrated probability of the label it is not sure.
        answered: Share of photos that get a label, among photos that chose nothing.
        accuracy: Share of those that are right.
    """

    threshold: float
    answered: Estimate
    accuracy: Estimate


@dataclass(frozen=True)
class Familiarity:
    """When a photo counts as unlike the photos that were trained on.

    Attributes:
        threshold: Above this distance it does.
        false_alarms: Share of photos of the same kind, of people not seen, of which that is said.
    """

    threshold: float
    false_alarms: Estimate


@dataclass(frozen=True)
class Evaluation:
    """How good a network is on photos that it has not learnt from.

    Attributes:
        procedure: How that was measured: ``cross-validation`` or ``test split``.
        images: Number of photos.
        groups: Number of their groups; None where no groups are known.
        accuracy: Share of photos that are right, with its 95 % interval.
        temperature: What logits are divided by so that probabilities are calibrated; None where it
            was not measured.
        thresholds: Thresholds of each class by name, for increasing recall; none where they were
            not measured.
        abstention: When "not sure" is said; None where it was not measured.
        familiarity: When a photo is unlike the training photos; None where it was not measured.
        photos: Numbers of ``images`` and ``groups`` of the splits ``train``, ``val`` and ``test``;
            none where they are not known.
    """

    procedure: str
    images: int
    groups: int | None
    accuracy: Estimate
    temperature: float | None = None
    thresholds: Mapping[str, Sequence[ClassThreshold]] = field(default_factory=dict)
    abstention: Abstention | None = None
    familiarity: Familiarity | None = None
    photos: Mapping[str, Mapping[str, int | None]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"accuracy {describe_estimate(self.accuracy)} on {describe_size(vars(self))}, {self.procedure}"


def find_checkpoint(path: Path) -> Path:
    """The checkpoint that a path stands for.

    Args:
        path: A file, which is taken as it is; the folder of a run, of which the best checkpoint is
            taken; or that of a cross-validation, which has one where it ended in a training on all
            photos.

    Raises:
        UserError: The folder has no checkpoint of its own.
    """
    if not path.is_dir():
        return path
    runs = [path, *reversed(versions(path / FINAL)), path / FINAL]
    for checkpoint in (run / "checkpoints" / name for run in runs for name in (BEST_CHECKPOINT, LAST_CHECKPOINT)):
        if checkpoint.is_file():
            return checkpoint
    raise UserError(f"{path} has no checkpoints/{BEST_CHECKPOINT}; {_advise(path)}")


def _advise(path: Path) -> str:
    """What to give in place of a folder without a checkpoint."""
    crossval = (path / SETTINGS_YAML).is_file()
    patterns = ["fold_*/version_*"] if crossval else ["version_*", "*/version_*", "*/*/version_*"]
    found = [file for pattern in patterns for file in sorted(path.glob(f"{pattern}/checkpoints/{BEST_CHECKPOINT}"))]
    if not found:
        return "give a checkpoint, or the folder of a run, lightning_logs/<experiment>/version_N"
    what = "the networks of a cross-validation are those of its folds" if crossval else "it holds runs"
    return f"{what}; give one of them, such as {found[0].parent.parent}"


def read_evaluation(checkpoint: Path, content: dict[str, Any]) -> Evaluation | None:
    """What is known of how good the network of a checkpoint is; None if it was not measured.

    That of the best epoch of a run was measured by the run.
    """
    measured = content.get(EVALUATION)
    if measured is None:
        summary = _summary_of(checkpoint)
        of_run = PROCEDURES.get(str(summary.get("split")))
        return None if of_run is None or mismatch(summary, Measured) else Evaluation(of_run, *_figures(summary))
    return parse_evaluation(measured)


def parse_evaluation(measured: dict[str, Any]) -> Evaluation:
    """What a checkpoint holds of how good its network is; a ``StoredEvaluation``."""
    thresholds = measured.get("thresholds", {}).items()
    abstention, familiarity = measured.get("abstention"), measured.get("familiarity")
    return Evaluation(
        measured["procedure"],
        *_figures(measured),
        measured.get("temperature"),
        {name: [ClassThreshold(**_with_estimates(each)) for each in rows] for name, rows in thresholds},
        Abstention(**_with_estimates(abstention)) if abstention else None,
        Familiarity(familiarity["threshold"], _estimate(familiarity["false_alarms"])) if familiarity else None,
        measured.get("photos", {}),
    )


def _figures(measured: dict[str, Any]) -> tuple[int, int | None, Estimate]:
    return measured["images"], measured["groups"], _estimate(measured["accuracy"])


def _with_estimates(stored: dict[str, Any]) -> dict[str, Any]:
    """The values of a table of numbers and intervals, of which the latter become estimates."""
    return {name: _estimate(value) if isinstance(value, dict) else value for name, value in stored.items()}


def _estimate(interval: dict[str, Any]) -> Estimate:
    return Estimate(**{name: interval.get(name) for name in ("value", "low", "high", "too_few")})


def _summary_of(checkpoint: Path) -> dict[str, Any]:
    """The ``summary.json`` that is about a checkpoint; empty where there is none, or it is damaged.

    The last checkpoint has none, nor has the best of a run that was resumed and is not at its end.
    """
    run = run_of(checkpoint) if checkpoint.name == BEST_CHECKPOINT else None
    with suppress(OSError):  # one of the files is gone
        if run is not None and (run / SUMMARY_JSON).stat().st_mtime >= checkpoint.stat().st_mtime:
            return read_summary(run)
    return {}
