"""A comparison as tables: for a terminal, and one row an entry for ``comparison.csv``."""

from typing import Any, NamedTuple

from rich import box
from rich.table import Table

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.sentences import standing, tested_on
from posture_classifier.metrics.scores import METRICS
from posture_classifier.rendering.formatting import describe_interval, describe_value, p_value, quantity, why_unknown
from posture_classifier.utils.console import wanted_width


class _Cost(NamedTuple):
    title: str
    unit: float


COSTS = {
    "parameters": _Cost("params\nM", 1e6),
    "multiply_adds": _Cost("mult-adds\nG", 1e9),
    "inference_bytes": _Cost("predict\nMB", 1e6),
    "training_bytes": _Cost("train\nMB", 1e6),
    "latency_ms": _Cost("latency\nms", 1),
    "photos_per_second": _Cost("photos/s\n", 1),
    "seconds": _Cost("training\ns", 1),
}
"""Title of each cost's column, and what its values are divided by."""
NOT_TIMED = "Latency of one photo and photos per second are measured by compare --measure."
ENDS = {"value": "", "low": "_low", "high": "_high"}
"""Ends of the names of a metric's columns, by the attributes of its estimate."""


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Make the rows of ``comparison.csv``, one an entry, the best first.

    Memory is in bytes, losses in nats. ``more_groups`` or, without groups, ``more_photos`` is how
    many more would settle which is better.
    """
    return [_row(comparison, index) for index in comparison.verdict.order]


def _row(comparison: Comparison, index: int) -> dict[str, Any]:
    entry, verdict, costs = comparison.configurations[index], comparison.verdict, comparison.costs[index]
    estimates = comparison.estimates[index]
    return {
        "entry": entry.name,
        "standing": standing(comparison, index),
        "good_enough": index in verdict.good_enough.indices,
        "recommended": index == comparison.chosen,
        "seeds": len(entry.runs),
        "photos": len(comparison.groups),
        "groups": comparison.n_groups if comparison.grouped else None,
        **{f"{metric}{suffix}": getattr(estimates[metric], end) for metric in METRICS for end, suffix in ENDS.items()},
        "decided_by": verdict.metric,
        "difference_to_best": verdict.differences.values[index, verdict.best],
        "p": verdict.p[index],
        "more_groups": verdict.additional_groups[index] if comparison.grouped else None,
        "more_photos": None if comparison.grouped else verdict.additional_groups[index],
        **{name: getattr(costs, name) for name in COSTS},
        "device": costs.device,
        "backbone": entry.backbone,
        "runs": " ".join(run.name for run in entry.runs),
    }


def quality_table(comparison: Comparison, width: int) -> Table:
    """Make a table of the metrics with their intervals, the one that decides first.

    Args:
        comparison: Entries with their metrics and the verdict.
        width: Columns of the terminal, which has room for as many metrics.
    """
    decisive = comparison.verdict.metric
    metrics = [decisive, *(name for name in METRICS if name != decisive)]
    while True:
        table = _quality(comparison, metrics)
        if len(metrics) == 1 or wanted_width(table) <= width:
            return table
        metrics.pop()


def _quality(comparison: Comparison, metrics: list[str]) -> Table:
    verdict, title = comparison.verdict, f"{tested_on(comparison)}; 95 % intervals below"
    unknown = why_unknown(estimates[metric] for estimates in comparison.estimates for metric in metrics) or None
    table = Table(
        title=title, title_justify="left", caption=unknown, caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("entry", overflow="fold")
    table.add_column("seeds", justify="right")
    for metric in metrics:
        table.add_column(METRICS[metric].title)
    table.add_column(f"by {METRICS[verdict.metric].title}")
    for index in verdict.order:
        cells = []
        for estimate in (comparison.estimates[index][metric] for metric in metrics):
            interval = "" if estimate.value is None else describe_interval(estimate).replace(" to ", "-")
            cells.append(f"{describe_value(estimate.value)}\n{interval}")
        lines = [standing(comparison, index)]
        if index != verdict.best:
            lines.append(f"(p {p_value(verdict.p[index])})")
        if index == comparison.chosen:
            lines.append("<- take this")
        table.add_row(comparison.names[index], str(len(comparison.predictions[index])), *cells, "\n".join(lines))
    return table


def costs_table(comparison: Comparison) -> Table:
    """Make a table of what each entry costs, without columns that no entry has a value for."""
    caption = "Memory is fp32: of predicting 1 photo, and of a training step of the run's batch with nothing frozen. "
    device = next((cost.device for cost in comparison.costs if cost.device), None)
    caption += f"Speed is fp32 on {device}: 1 photo, and the run's batch." if device else NOT_TIMED
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("entry", overflow="fold")
    shown = known_costs(comparison)
    for name in shown:
        table.add_column(COSTS[name].title, justify="right")
    for index in comparison.verdict.order:
        table.add_row(comparison.names[index], *cost_cells(comparison, index, shown))
    return table


def known_costs(comparison: Comparison) -> list[str]:
    """Name the costs that some entry has a value for."""
    return [name for name in COSTS if any(getattr(cost, name) is not None for cost in comparison.costs)]


def cost_cells(comparison: Comparison, index: int, names: list[str]) -> list[str]:
    """Write costs of an entry, each in the unit of its column."""
    return [quantity(getattr(comparison.costs[index], name), COSTS[name].unit) for name in names]
