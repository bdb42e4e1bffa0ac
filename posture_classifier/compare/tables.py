"""A comparison as tables: for a terminal, and one row an entry for ``comparison.csv``."""

from typing import Any, Literal

from rich import box
from rich.table import Table

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.sentences import decimals, number, span, standing, tested_on
from posture_classifier.metrics.scores import METRICS
from posture_classifier.utils.console import wanted_width

COSTS: dict[str, tuple[str, float]] = {
    "parameters": ("params\nM", 1e6),
    "multiply_adds": ("mult-adds\nG", 1e9),
    "inference_bytes": ("predict\nMB", 1e6),
    "training_bytes": ("train\nMB", 1e6),
    "latency_ms": ("latency\nms", 1),
    "photos_per_second": ("photos/s\n", 1),
    "seconds": ("training\ns", 1),
}
"""Titles of columns, and what their figures are divided by."""
NOT_TIMED = " Latency of one photo and photos per second are measured by compare --measure."
ENDS = {"value": "", "low": "_low", "high": "_high"}
COLUMNS = [
    *("entry", "standing", "recommended", "seeds", "photos", "groups"),
    *(f"{metric}{suffix}" for metric in METRICS for suffix in ENDS.values()),
    *("decided_by", "difference_to_best", "p", "more_groups", "more_photos"),
    *COSTS,
    *("device", "backbone", "runs"),
]
"""Of ``comparison.csv``; memory in bytes, losses in nats. ``more_groups`` or, without groups, ``more_photos`` would settle it."""


def rows(comparison: Comparison) -> list[dict[str, Any]]:
    """A row an entry, the best first."""
    return [_row(comparison, index) for index in comparison.verdict.order]


def _row(comparison: Comparison, index: int) -> dict[str, Any]:
    entry, verdict = comparison.configurations[index], comparison.verdict
    figures = {
        f"{metric}{suffix}": getattr(comparison.estimates[index][metric], end) for metric in METRICS for end, suffix in ENDS.items()
    }
    return {
        "entry": entry.name,
        "standing": standing(comparison, index).partition(" (")[0],
        "recommended": index == comparison.chosen,
        "seeds": len(entry.runs),
        "photos": len(comparison.groups),
        "groups": comparison.n_groups if comparison.grouped else None,
        **figures,
        "decided_by": verdict.metric,
        "difference_to_best": verdict.differences.values[index, verdict.best],
        "p": verdict.p[index],
        "more_groups": verdict.additional_groups[index] if comparison.grouped else None,
        "more_photos": None if comparison.grouped else verdict.additional_groups[index],
        **{name: getattr(comparison.costs[index], name) for name in COSTS},
        "device": comparison.costs[index].device,
        "backbone": entry.backbone,
        "runs": " ".join(run.name for run in entry.runs),
    }


def quality_table(comparison: Comparison, width: int) -> Table:
    """Every metric with its interval below it, the one that decides first; as many as a terminal of this width has room for."""
    metric = comparison.verdict.metric
    metrics = [metric, *(name for name in METRICS if name != metric)]
    while True:
        table = _quality(comparison, metrics)
        if len(metrics) == 1 or wanted_width(table) <= width:
            return table
        metrics.pop()


def _quality(comparison: Comparison, metrics: list[str]) -> Table:
    title = f"{tested_on(comparison)}; 95 % intervals below"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("entry", overflow="fold")
    table.add_column("seeds", justify="right")
    for metric in metrics:
        table.add_column(METRICS[metric].title)
    table.add_column(f"by {METRICS[comparison.verdict.metric].title}")
    for index in comparison.verdict.order:
        figures = [comparison.estimates[index][metric] for metric in metrics]
        cells = [f"{decimals(figure.value)}\n{span(figure).replace(' to ', '-')}" for figure in figures]
        mark = standing(comparison, index).replace(" (", "\n(") + ("\n<- take this" if index == comparison.chosen else "")
        table.add_row(comparison.names[index], str(len(comparison.predictions[index])), *cells, mark)
    return table


def costs_table(comparison: Comparison) -> Table:
    """What each entry costs; columns that nobody has a figure for are left out."""
    caption = "Memory is fp32: of predicting 1 photo, and of a training step of the run's batch with nothing frozen."
    if device := next((cost.device for cost in comparison.costs if cost.device), None):
        caption += f" Speed is fp32 on {device}: 1 photo, and the run's batch."
    else:
        caption += NOT_TIMED
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("entry", overflow="fold")
    shown = [name for name in COSTS if any(getattr(cost, name) is not None for cost in comparison.costs)]
    justify: Literal["right"] = "right"
    for name in shown:
        table.add_column(COSTS[name][0], justify=justify)
    for index in comparison.verdict.order:
        table.add_row(comparison.names[index], *(number(getattr(comparison.costs[index], name), COSTS[name][1]) for name in shown))
    return table
