"""A table of metrics with their confidence intervals, for terminals."""

from typing import Any

from rich.table import Table

from posture_classifier.metrics.intervals import Estimate
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_interval, describe_value, why_unknown
from posture_classifier.utils.text import describe_size


def estimates_table(summary: dict[str, Any], title: str) -> Table:
    """A table of the metrics of a summary with their confidence intervals.

    Args:
        summary: What ``summary.json`` holds; a metric that could not be measured is not in it.
        title: Stands above the table, before the numbers of photos and groups.
    """
    estimates = {name: Estimate(**summary[name]) for name in METRICS if name in summary}
    unknown = why_unknown(estimates.values()) or None
    table = Table("metric", "value", "95 % interval", title=f"{title}: {describe_size(summary)}", caption=unknown)
    for name, estimate in estimates.items():
        table.add_row(METRICS[name].title, describe_value(estimate.value), describe_interval(estimate))
    return table
