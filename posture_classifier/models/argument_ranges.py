"""The ranges of the numbers among the arguments of ``PostureClassifier``."""

from posture_classifier.images.preprocessing import LARGEST_SIDE
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
