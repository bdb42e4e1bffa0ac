"""What every artifact holds beside its weights: classes, preprocessing and honest figures.

It is one JSON text that names no photo, no group and no folder.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import timm
import torch
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier import __version__
from posture_classifier.inference import Classifier
from posture_classifier.metrics.intervals import Estimate
from posture_classifier.models.checkpoint import SEEN, FamiliarityRule, Measured, Size, StoredAbstention, StoredThreshold
from posture_classifier.models.weights import PIP_WEIGHTS
from posture_classifier.runs.checkpoints import Abstention, ClassThreshold, Evaluation, Familiarity
from posture_classifier.runs.folder import run_of
from posture_classifier.runs.names import SPLIT_CSV
from posture_classifier.runs.tables import read_split_rows
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.validation import mismatch

KEY = "posture_classifier"
"""Name of the metadata among others that a format may hold."""
VERSION: Literal[1] = 1
"""Version of what the metadata looks like."""
PACKAGED_LICENCE = "apache-2.0"
"""Licence of all ImageNet weights that come as a pip package."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Figures(Measured):
    """How good the network is on photos that it has not learnt from."""

    procedure: str


class Weights(TypedDict):
    """Where the weights came from that the training began with."""

    name: str
    licence: str | None


class Metadata(TypedDict):
    """All of it."""

    format: Literal[1]
    classes: Annotated[list[str], Field(min_length=1)]
    preprocessing: dict[str, Any]
    temperature: Positive | None
    thresholds: dict[str, list[StoredThreshold]]
    abstention: StoredAbstention | None
    familiarity: FamiliarityRule | None
    evaluation: Figures | None
    photos: dict[str, Size]
    weights: Weights
    versions: dict[str, str]
    backbone: str


def build_metadata(classifier: Classifier, checkpoint: Path, content: dict[str, Any]) -> Metadata:
    """What is to be known of a checkpoint's network wherever it is taken.

    Args:
        classifier: The model.
        checkpoint: Its file, beside which the counts of groups may lie.
        content: What ``read_checkpoint`` returned.
    """
    evaluation, settings = classifier.evaluation, classifier.model.hparams
    return {
        "format": VERSION,
        "classes": classifier.class_names,
        "preprocessing": classifier.model.preprocessing.to_dict(),
        "temperature": evaluation.temperature if evaluation else None,
        "thresholds": {name: [_plain(each) for each in rows] for name, rows in evaluation.thresholds.items()} if evaluation else {},
        "abstention": _plain(evaluation.abstention) if evaluation and evaluation.abstention else None,
        "familiarity": _plain(evaluation.familiarity) if evaluation and evaluation.familiarity else None,
        "evaluation": _figures(evaluation) if evaluation else None,
        "photos": _count_photos(checkpoint, content),
        "weights": {"name": settings["weights_source"], "licence": _licence(settings["backbone"], settings["weights_source"])},
        "versions": {"posture_classifier": __version__, "torch": torch.__version__},
        "backbone": settings["backbone"],
    }


def to_json(metadata: Metadata) -> str:
    """One line of ASCII, which every format can hold."""
    return json.dumps(metadata, allow_nan=False)


def read_metadata(text: str | None, path: Path) -> Metadata:
    """Parse the metadata of an artifact.

    Args:
        text: What the artifact holds; None if it holds none.
        path: The artifact, for error messages.

    Raises:
        UserError: There is none, or it is not as this program writes it.
    """
    if text is None:
        raise UserError(f"{path} was not written by this program: it has no metadata; give what export wrote")
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged: its metadata is no JSON; export the checkpoint again") from error
    if reason := mismatch(metadata, Metadata):
        raise UserError(f"{path} is damaged or of a later version ({reason}); export the checkpoint again")
    checked: Metadata = metadata
    return checked


def evaluation_of(metadata: Metadata) -> Evaluation | None:
    """The figures as ``Classifier`` has them; None where they were not measured."""
    figures, abstention, familiarity = metadata["evaluation"], metadata["abstention"], metadata["familiarity"]
    if figures is None:
        return None
    return Evaluation(
        figures["procedure"],
        figures["images"],
        figures["groups"],
        Estimate(**figures["accuracy"]),
        metadata["temperature"],
        {name: [ClassThreshold(**_estimates(row)) for row in rows] for name, rows in metadata["thresholds"].items()},
        Abstention(**_estimates(abstention)) if abstention else None,
        Familiarity(**_estimates(familiarity)) if familiarity else None,
    )


def _estimates(values: Any) -> dict[str, Any]:
    return {name: Estimate(**value) if isinstance(value, dict) else value for name, value in values.items()}


def _plain(measured: ClassThreshold | Abstention | Familiarity) -> Any:
    return {name: _interval(value) if isinstance(value, dict) else value for name, value in asdict(measured).items()}


def _interval(values: dict[str, Any]) -> dict[str, Any]:
    """An interval without the reason for its absence where it is there."""
    return {name: value for name, value in values.items() if name != "too_few" or value is not None}


def _figures(evaluation: Evaluation) -> Figures:
    accuracy: Any = _interval(asdict(evaluation.accuracy))
    return {"procedure": evaluation.procedure, "images": evaluation.images, "groups": evaluation.groups, "accuracy": accuracy}


def _count_photos(checkpoint: Path, content: dict[str, Any]) -> dict[str, Size]:
    """Photos of each split, of which the checkpoint has the digests; groups are in its run only."""
    run = run_of(checkpoint)
    rows = read_split_rows(run / SPLIT_CSV) if run else []
    counts: dict[str, Size] = {}
    for split in ("train", "val", "test"):
        images = len(content.get(SEEN, {}).get(split, ()))
        own = [row for row in rows if row["split"] == split]
        groups = len({row["group"] for row in own}) if len(own) == images else None
        if images:
            counts[split] = {"images": images, "groups": groups if groups != images else None}
    return counts


def _licence(backbone: str, source: str) -> str | None:
    """Licence of the pretrained weights, as timm states it; None where nobody does."""
    if source.startswith("pip package") and backbone.removesuffix(".in1k") in PIP_WEIGHTS:
        return PACKAGED_LICENCE
    config = timm.get_pretrained_cfg(backbone, allow_unregistered=True) if source == "timm" else None
    return config.license if config is not None else None
