"""What networks cost, as a table for a terminal."""

from typing import Any, Literal

from rich import box
from rich.table import Table

from posture_classifier.rendering.formatting import quantity
from posture_classifier.utils.console import wanted_width
from posture_classifier.utils.text import plural

DROPPED_FIRST = ("bytes_on_disk", "image_size", "activations", "latency_p95_ms", "year", "inference_bytes", "family")
"""Columns that a narrow terminal does without; the written table has them."""


def cost_table(rows: list[dict[str, Any]], width: int) -> Table:
    """Show costs with three digits, in as many columns as fit.

    Columns without any value are left out.

    Args:
        rows: Rows of the ``backbones`` command, at least one.
        width: Width of the terminal in characters.
    """
    batch_size = rows[0]["batch_size"]
    columns: list[tuple[str, str, float]] = [
        ("family", "family", 1),
        ("year", "year", 1),
        ("image_size", "input\npx", 1),
        ("parameters", "params\nM", 1e6),
        ("multiply_adds", "mult-adds\nG", 1e9),
        ("activations", "activ.\nM", 1e6),
        ("bytes_on_disk", "disk\nMB", 1e6),
        ("inference_bytes", "inference\nMB, 1", 1e6),
        ("training_bytes", f"training\nMB, {batch_size}", 1e6),
        ("training_bytes_per_photo", "each\nmore MB", 1e6),
        ("weights", "weights", 1),
        ("latency_median_ms", "median\nms", 1),
        ("latency_p95_ms", "p95\nms", 1),
        ("photos_per_second", "photos/s\n", 1),
        ("gpu_peak_bytes", "GPU peak\nMB", 1e6),
        ("accuracy", "accuracy", 1),
        ("error", "error", 1),
    ]
    shown = [column for column in columns if any(row[column[0]] is not None for row in rows)]
    table = _table(rows, shown)
    for key in DROPPED_FIRST:
        if wanted_width(table) <= width:
            break
        shown = [column for column in shown if column[0] != key]
        table = _table(rows, shown)
    return table


def _table(rows: list[dict[str, Any]], columns: list[tuple[str, str, float]]) -> Table:
    batch_size = rows[0]["batch_size"]
    caption = (
        "1 multiply-add is 2 FLOPs. Memory is fp32, weights included: of predicting 1 photo, of a training step (AdamW) of "
        f"{plural(batch_size, 'photo')}, and of each photo more in it."
    )
    if device := next((row["device"] for row in rows if row["device"]), None):
        caption += f" Speed is fp32 on {device}: 1 photo in milliseconds, and batches of {batch_size}."
    table = Table(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("network", overflow="fold")
    for key, title, _ in columns:
        justify: Literal["left", "right"] = "left" if key in ("family", "weights", "error") else "right"
        table.add_column(title, justify=justify, overflow="fold", max_width=40)
    for row in rows:
        table.add_row(row["name"], *(_accuracy(row) if key == "accuracy" else _cell(row[key], unit) for key, _, unit in columns))
    return table


def _accuracy(row: dict[str, Any]) -> str:
    """Write an accuracy with its 95 % interval, as far as that was given."""
    value, low, high = row["accuracy"], row["accuracy_low"], row["accuracy_high"]
    if value is None:
        return ""
    return f"{value:.3f}\n{'interval unknown' if low is None or high is None else f'{low:.3f}-{high:.3f}'}"


def _cell(value: Any, unit: float) -> str:
    if isinstance(value, str) or (isinstance(value, int) and unit == 1):
        return str(value)
    return quantity(value, unit)
