"""Accuracies of networks: from runs or a table, or as torchvision publishes them with its weights.

timm publishes those of its own weights on the web only.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple, NotRequired

import timm
from pydantic import Field
from typing_extensions import TypedDict  # pydantic reads Python's own from 3.12 on

from posture_classifier.metrics.intervals import wilson_interval
from posture_classifier.models.torchvision_weights import published_weights
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.paths import matching_paths
from posture_classifier.utils.tables import read_table
from posture_classifier.utils.text import first_line
from posture_classifier.utils.validation import mismatch

PUBLISHER = "torchvision"
"""Begins the source of a published accuracy."""
N_PHOTOS = 50_000
"""Photos of ImageNet's validation set, which published accuracies are of; each is its own group."""


class Accuracy(NamedTuple):
    """The accuracy of a network, as shares of photos from 0 to 1.

    Attributes:
        value: Share of photos whose first class is right.
        low: Lower end of the 95 % interval; None if unknown.
        high: Upper end of the 95 % interval; None if unknown.
        top5: Share of photos whose class is among the first five; None if unknown.
        image_size: Side of the photos in pixels; None if unknown.
        source: Name of the file, of the run folders, or of the published weights that it is of.
    """

    value: float
    low: float | None = None
    high: float | None = None
    top5: float | None = None
    image_size: int | None = None
    source: str = ""


Share = Annotated[float, Field(ge=0, le=1)]


class _Estimate(TypedDict):
    value: Share
    low: Share | None
    high: Share | None


class _Summary(TypedDict):
    """What is read of a run's ``summary.json``."""

    backbone: str
    accuracy: _Estimate
    split: NotRequired[str]


def read_accuracies(source: str) -> dict[str, Accuracy]:
    """Read the accuracies of networks.

    Args:
        source: A .csv file with the columns name, accuracy and perhaps low and high; or a pattern
            of run folders, whose ``summary.json`` holds all four.

    Returns:
        Accuracies by name. Several of one network are their mean, with an interval that covers all
        of theirs; it is unknown where one of theirs is.

    Raises:
        UserError: There is no such file, or it lacks these columns.
    """
    found = _from_table(Path(source)) if source.endswith(".csv") else _from_runs(source)
    return {name: _mean(several)._replace(source=source) for name, several in found.items()}


def _from_table(path: Path) -> dict[str, list[Accuracy]]:
    found: dict[str, list[Accuracy]] = {}
    try:
        rows = read_table(path, ["name", "accuracy"])
    except (OSError, ValueError) as error:
        raise UserError(
            f"--accuracy {path} cannot be used ({error}); give a .csv file with the columns name, accuracy and perhaps low "
            "and high, or a pattern of run folders"
        ) from error
    for number, row in enumerate(rows, 2):
        try:
            low, high = (float(text) if (text := row.get(column)) else None for column in ("low", "high"))
            accuracy = Accuracy(float(row["accuracy"]), low, high)
        except ValueError as error:
            raise UserError(
                f"--accuracy {path}, line {number}: give the columns name, accuracy and perhaps low and high"
            ) from error
        if not all(0 <= value <= 1 for value in accuracy[:3] if value is not None):
            raise UserError(f"--accuracy {path}, line {number}: give accuracies as shares from 0 to 1")
        found.setdefault(row["name"], []).append(accuracy)
    if not found:
        raise UserError(f"--accuracy {path} has no rows; give the columns name, accuracy and perhaps low and high")
    return found


def _from_runs(pattern: str) -> dict[str, list[Accuracy]]:
    found: dict[str, list[Accuracy]] = {}
    for folder in matching_paths(pattern):
        path = folder / "summary.json"
        if not path.is_file():
            continue  # a run that was stopped before its test
        try:
            summary = json.loads(path.read_text(encoding="utf-8"))
            reason = mismatch(summary, _Summary)
        except (OSError, ValueError, RecursionError) as error:
            reason = first_line(error)
        if reason:
            raise UserError(f"{path} is not the summary of a run ({reason}); leave that folder out of --accuracy")
        if summary.get("split") == "val":
            raise UserError(
                f"{path} is of validation photos, which chose the epoch and flatter; leave that folder out of --accuracy"
            )
        estimate = summary["accuracy"]
        accuracy = Accuracy(estimate["value"], estimate["low"], estimate["high"])
        found.setdefault(summary["backbone"], []).append(accuracy)
    if not found:
        raise UserError(
            f"--accuracy {pattern} matches no finished run; give a .csv file or run folders such as 'lightning_logs/*/version_*'"
        )
    return found


def _mean(several: list[Accuracy]) -> Accuracy:
    lows = [each.low for each in several if each.low is not None]
    highs = [each.high for each in several if each.high is not None]
    mean = sum(each.value for each in several) / len(several)
    if len(lows) < len(several) or len(highs) < len(several):
        return Accuracy(mean)
    return Accuracy(mean, min(lows), max(highs))


def published_accuracies(names: Iterable[str]) -> dict[str, Accuracy]:
    """Look up the published accuracies, by name, of networks that have one; needs no connection."""
    return {name: found for name in names if (found := published_accuracy(name))}


def published_accuracy(name: str) -> Accuracy | None:
    """Look up the published accuracy of a network on ImageNet.

    It is that of the weights that the name loads where these are torchvision's. Where a name
    without a tag loads others, it is that of torchvision's first weights of the same architecture,
    most of which reproduce the paper's results or are ported from it; the source then names both.
    A name with the tag of other weights has none: theirs is another.

    Returns:
        Shares of 50,000 photos and the size at which they were seen; None if none is published.

    Example:
        >>> published_accuracy("alexnet").value
        0.56522
        >>> published_accuracy("resnet18").source
        'torchvision ResNet18_Weights.IMAGENET1K_V1 (resnet18 loads a1_in1k)'
    """
    architecture, _, tag = name.partition(".")
    config = timm.get_pretrained_cfg(name)
    if config.tag and (loaded := published_weights(f"{architecture}.{config.tag}")):
        return _of_weights(loaded[0], "")
    if tag or not (others := published_weights(architecture)):
        return None
    return _of_weights(others[-1], f" ({name} loads {config.tag if config.has_weights else 'none'})")


def is_published(source: str | None) -> bool:
    """Whether an accuracy is a published one, by its source.

    Example:
        >>> is_published(published_accuracy("alexnet").source), is_published("runs.csv")
        (True, False)
    """
    return bool(source) and str(source).startswith(f"{PUBLISHER} ")


def _of_weights(weights: Any, note: str) -> Accuracy:
    """The accuracy of a member of torchvision's ``WeightsEnum``."""
    percent = weights.meta["_metrics"]["ImageNet-1K"]
    top1, top5 = (round(percent[key] / 100, 5) for key in ("acc@1", "acc@5"))
    interval = wilson_interval(top1, N_PHOTOS)
    size = weights.transforms.keywords["crop_size"]
    return Accuracy(top1, interval.low, interval.high, top5, size, f"{PUBLISHER} {weights}{note}")
