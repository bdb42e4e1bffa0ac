"""Figures in words."""

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.rendering.page import Html, text, together
from posture_classifier.utils.text import describe_interval


def number(figure: Estimate) -> str:
    """``0.927 (0.873 to 0.967)``."""
    return "-" if figure.value is None else f"{figure.value:.3f} ({describe_interval(vars(figure))})"


def cell(figure: Estimate) -> Html:
    """The same in a table, where it may break before the interval only."""
    value, _, rest = number(figure).partition(" ")
    return text(value) + Html(" ") + together(rest) if rest else text(value)


def percent(share: float) -> str:
    """``92.7 %``, and no digit that says nothing."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def percents(figure: Estimate) -> str:
    """``92.7 % (95 % interval 87.3 to 96.7 %)``."""
    if figure.value is None:
        return "an unknown share (there are no such photos)"
    if figure.low is None or figure.high is None:
        return f"{percent(figure.value)} (95 % interval unknown: one group tells nothing of others)"
    return f"{percent(figure.value)} (95 % interval {percent(figure.low).removesuffix(' %')} to {percent(figure.high)})"
