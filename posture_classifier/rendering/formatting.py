"""Numbers in words, for pages, pictures and terminals."""

from markupsafe import Markup

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.elements import render


def describe_value(value: float | None) -> str:
    """Write a metric's value: ``0.867``, or a dash where it is undefined."""
    return "-" if value is None else f"{value:.3f}"


def describe_interval(estimate: Estimate) -> str:
    """Write a 95 % interval: ``0.774 to 0.933``, or why there is none."""
    if estimate.value is None:
        return "undefined: one class only"
    if estimate.ends is None:
        return "unknown: one group tells nothing of others"
    return "{:.3f} to {:.3f}".format(*estimate.ends)


def describe_estimate(estimate: Estimate) -> str:
    """Write a metric with its interval.

    Example:
        >>> describe_estimate(Estimate(0.927, 0.873, 0.967))
        '0.927 (0.873 to 0.967)'
    """
    return "-" if estimate.value is None else f"{estimate.value:.3f} ({describe_interval(estimate)})"


def estimate_cell(estimate: Estimate) -> Markup:
    """Write a metric with its interval as a cell, whose line may break before the interval only."""
    interval = "" if estimate.value is None else describe_interval(estimate)
    return render("elements.html", "value_and_interval", value=describe_value(estimate.value), interval=interval)


def percent(share: float) -> str:
    """Write a share in percent: ``92.7 %``, and ``50 %`` rather than ``50.0 %``."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def percent_interval(ends: tuple[float, float]) -> str:
    """Write an interval of shares: ``87.3 to 96.7 %``."""
    low, high = ends
    return f"{percent(low).removesuffix(' %')} to {percent(high)}"


def percent_estimate(estimate: Estimate) -> str:
    """Write a share with its interval: ``92.7 % (95 % interval 87.3 to 96.7 %)``."""
    if estimate.value is None:
        return "an unknown share (there are no such photos)"
    interval = percent_interval(estimate.ends) if estimate.ends else describe_interval(estimate)
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
