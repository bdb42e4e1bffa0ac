"""How far folds at random flatter, beside folds of groups, in words."""

from typing import Any

from posture_classifier.utils.text import plural

NO_LEAK = 5.0
"""Points of accuracy that folds at random may flatter by, at most, if no leak is said to show."""


def explain_gap(gap: dict[str, Any], n_groups: int) -> str:
    """Explain how much more accurate folds at random are than folds of groups.

    Args:
        gap: The difference in accuracy as ``value``, with the ends of its interval, ``low`` and
            ``high``; they are None where the groups are too few for an interval.
        n_groups: Number of groups.

    Example:
        >>> explain_gap({"value": 0.349, "low": -0.061, "high": 0.759}, 8)
        '8 groups cannot settle whether folds at random flatter: they score +34.9 points of accuracy
        (95 % interval -6.1 to +75.9) beside folds of groups, so up to 76 points may be flattery;
        report folds of groups.'
    """
    measured = f"{100 * gap['value']:+.1f} points of accuracy"
    undecided = f"{plural(n_groups, 'group')} cannot settle whether folds at random flatter: they score"
    if gap["low"] is None:
        return f"{undecided} {measured} beside folds of groups, and any part of it may be flattery; report folds of groups."
    low, high = 100 * gap["low"], 100 * gap["high"]
    measured += f" (95 % interval {low:+.1f} to {high:+.1f})"
    if low > 0:
        return (
            f"Folds at random flatter by {measured}: so much of their score is photos that resemble training photos of the same "
            "group, and will not come with new groups."
        )
    if high < 0:
        return f"Folds at random do not flatter here: they score {measured} beside folds of groups, which are the ones to report."
    if high > NO_LEAK:
        return (
            f"{undecided} {measured} beside folds of groups, so up to {min(high, 100):.0f} points may be flattery; report folds of "
            "groups."
        )
    return f"No leak shows here: folds at random score {measured} beside folds of groups, which are the ones to report."
