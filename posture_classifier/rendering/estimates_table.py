"""A table of metrics with their confidence intervals, for terminals."""

from typing import Any

from rich.table import Table

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_interval, describe_value, why_unknown
from posture_classifier.utils.text import describe_size


def estimates_table(summary: dict[str, Any], title: str) -> Table:
    """A table of the metrics of a summary with their confidence intervals.

    Why intervals are unknown is said once, below it.

    Args:
        summary: What ``summary.json`` holds; a metric that could not be measured is not in it.
        title: Stands above the table, before the numbers of photos and groups.
    """
    estimates = {name: Estimate(**summary[name]) for name in METRICS if name in summary}
    has_intervals = any(estimate.ends for estimate in estimates.values())
    title = f"{title}: {describe_size(summary)}"
    # At least as wide as the title, which rich would otherwise divide.
    table = Table("metric", "value", title=title, min_width=len(title), caption=why_unknown(estimates.values()) or None)
    table.title_justify = table.caption_justify = "left"
    if has_intervals:
        table.add_column("95 % interval")
    for name, estimate in estimates.items():
        interval = describe_interval(estimate) if estimate.ends or estimate.value is None else "-"
        table.add_row(METRICS[name].title, describe_value(estimate.value), *([interval] if has_intervals else []))
    return table
