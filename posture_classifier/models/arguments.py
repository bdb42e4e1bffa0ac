"""Checks the arguments of ``PostureClassifier``, and completes what a user leaves out."""

from typing import Literal

import timm
import torch
from torch import Tensor, nn

from posture_classifier.images.depth import FULL_RANGE, WhiteLevels
from posture_classifier.images.preprocessing import LARGEST_SIDE, Preprocessing, Resize
from posture_classifier.utils.errors import UserError


def check_ranges(
    image_size: int | None,
    learning_rate: float,
    layer_decay: float,
    weight_decay: float,
    label_smoothing: float,
    drop_rate: float,
) -> None:
    """Check the numbers among the model's arguments.

    Raises:
        UserError: One is out of its range.
    """
    size = 16 if image_size is None else image_size
    for name, value, fits, range_ in (
        ("image_size", image_size, 16 <= size <= LARGEST_SIDE, f"at least 16 and at most {LARGEST_SIDE}"),
        ("learning_rate", learning_rate, 0 < learning_rate < float("inf"), "above 0 and finite"),
        ("layer_decay", layer_decay, 0 < layer_decay <= 1, "above 0 and at most 1"),
        ("weight_decay", weight_decay, 0 <= weight_decay < float("inf"), "at least 0 and finite"),
        ("label_smoothing", label_smoothing, 0 <= label_smoothing < 1, "at least 0 and below 1"),
        ("drop_rate", drop_rate, 0 <= drop_rate < 1, "at least 0 and below 1"),
    ):
        if not fits:
            raise UserError(f"model.{name} is {value}, but must be {range_}")


def default_preprocessing(
    backbone: nn.Module, image_size: int | None, resize: Resize, white_levels: list[float] | None
) -> Preprocessing:
    """The preprocessing that the pretrained weights expect, at the size that the user chose."""
    config = timm.data.resolve_model_data_config(backbone)
    size = image_size or config["input_size"][1]
    return Preprocessing(
        size, config["mean"], config["std"], config["interpolation"], resize, WhiteLevels(*white_levels or FULL_RANGE)
    )


def loss_weights(weights: Literal["balanced"] | list[float] | None, counts: list[int] | None, names: list[str]) -> Tensor | None:
    """The weight of each class in the loss (C,); None weighs all alike.

    Raises:
        UserError: ``weights`` is no list of one value of at least 0 for each class, or is
            ``balanced`` where nobody knows the photos per class.
    """
    if weights is None:
        return None
    if weights == "balanced":
        if counts is None:
            raise UserError("model.class_weights balanced needs the photos per class; give class_counts too")
        total = torch.tensor(counts, dtype=torch.float32)
        return total.sum() / (len(counts) * total)
    if len(weights) != len(names) or min(weights) < 0:
        raise UserError(f"model.class_weights {weights} must be one value of at least 0 for each of {', '.join(names)}")
    return torch.tensor(weights, dtype=torch.float32)
