"""What is said of a network that has learnt from the photos that chose its epochs."""

from typing import Any

from posture_classifier.utils.text import plural


def describe_refit(summary: dict[str, Any]) -> str | None:
    """Say what a network was refitted on; None where it was not.

    Example:
        >>> describe_refit({"refit": {"epochs": 7}})
        'Refitted on training and validation photos for 7 epochs; these, temperature and thresholds
        were chosen by the validation photos before, when the network had not seen them.'
    """
    if not (refit := summary.get("refit")):
        return None
    return (
        f"Refitted on training and validation photos for {plural(refit['epochs'], 'epoch')}; these, temperature and thresholds "
        "were chosen by the validation photos before, when the network had not seen them."
    )
