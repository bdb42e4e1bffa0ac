"""Numbers in words, for pages, pictures and terminals."""

from collections.abc import Iterable

from markupsafe import Markup

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.witnesses import FEWEST, FEWEST_OF_CLASS
from posture_classifier.rendering.elements import render


def describe_value(value: float | None) -> str:
    """Write a metric's value: ``0.867``, or a dash where it is undefined."""
    return "-" if value is None else f"{value:.3f}"


def describe_interval(estimate: Estimate) -> str:
    """Write a 95 % interval: ``0.774 to 0.933``, or why there is none: ``unknown (2 groups)``."""
    if estimate.value is None:
        return "undefined: one class only"
    if estimate.ends is None:
        return f"unknown ({_too_few(estimate)})"
    return "{:.3f} to {:.3f}".format(*estimate.ends)


def why_unknown(estimates: Iterable[Estimate]) -> str:
    """Say once why intervals are unknown, for below a table; nothing where all are known.

    Example:
        >>> why_unknown([Estimate(0.9, too_few="2 groups"), Estimate(0.8, too_few="2 groups")])
        '2 groups are too few for an interval, which needs 3, and 2 of each class.'
    """
    reasons = sorted({_too_few(estimate) for estimate in estimates if estimate.value is not None and estimate.ends is None})
    if not reasons:
        return ""
    verb = "is" if len(reasons) == 1 and reasons[0].startswith("1 ") else "are"
    return f"{' and '.join(reasons)} {verb} too few for an interval, which needs {FEWEST}, and {FEWEST_OF_CLASS} of each class."


def _too_few(estimate: Estimate) -> str:
    return estimate.too_few or "1 group"  # as runs of older versions leave unsaid


def describe_estimate(estimate: Estimate) -> str:
    """Write a metric with its interval.

    Example:
        >>> describe_estimate(Estimate(0.927, 0.873, 0.967))
        '0.927 (0.873 to 0.967)'
    """
    return "-" if estimate.value is None else f"{estimate.value:.3f} ({_within_brackets(estimate)})"


def _within_brackets(estimate: Estimate) -> str:
    return describe_interval(estimate) if estimate.ends else f"unknown: {_too_few(estimate)}"


def estimate_cell(estimate: Estimate) -> Markup:
    """Write a metric with its interval as a cell, whose line may break before the interval only."""
    interval = "" if estimate.value is None else _within_brackets(estimate)
    return render("elements.html", "value_and_interval", value=describe_value(estimate.value), interval=interval)


def percent(share: float) -> str:
    """Write a share in percent: ``92.7 %``, and ``50 %`` rather than ``50.0 %``."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def points(difference: float) -> str:
    """Write a difference of shares in points: ``+6.1``, with a minus sign that reads as one."""
    return f"{100 * difference:+.1f}".replace("-", "\N{MINUS SIGN}")


def percent_interval(ends: tuple[float, float]) -> str:
    """Write an interval of shares: ``87.3 to 96.7 %``."""
    low, high = ends
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def percent_estimate(estimate: Estimate) -> str:
    """Write a share with its interval: ``92.7 % (95 % interval 87.3 to 96.7 %)``."""
    if estimate.value is None:
        return "an unknown share (there are no such photos)"
    interval = percent_interval(estimate.ends) if estimate.ends else _within_brackets(estimate)
    return f"{percent(estimate.value)} (95 % interval {interval})"


def p_value(value: float) -> str:
    """Write a p-value: ``0.03``, or ``< 0.001``."""
    return "< 0.001" if value < 0.001 else f"{value:.2g}"


def quantity(value: float | None, unit: float = 1) -> str:
    """Write a cost in a unit with three digits: ``1,234``, ``4.1``; nothing where it is unknown."""
    if value is None:
        return ""
    value /= unit
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def operations(value: float) -> str:
    """Write a number of operations: ``70.5 M``, ``4.1 G``."""
    return f"{value / 1e9:.3g} G" if value >= 1e9 else f"{value / 1e6:.3g} M"
