"""What networks cost, as a table for a terminal."""

from typing import Any, Literal

import timm
from rich import box
from rich.table import Table

from posture_classifier.costs.accuracies import N_PHOTOS, is_published
from posture_classifier.rendering.formatting import quantity
from posture_classifier.utils.console import wanted_width
from posture_classifier.utils.text import plural

DROPPED_FIRST = (
    *("accuracy_source", "bytes_on_disk", "top5", "image_size", "activations"),
    *("latency_p95_ms", "watts", "joules_per_photo", "year", "inference_bytes", "family"),
)
"""Columns that a narrow terminal does without; the written table has them."""


def cost_table(rows: list[dict[str, Any]], width: int) -> Table:
    """Show costs with three digits, in as many columns as fit.

    Columns without any value are left out, and of several batch sizes the largest is shown.
    """
    batch_size = max(row["batch_size"] for row in rows)
    rows = [row for row in rows if row["batch_size"] == batch_size]
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
        ("watts", "power\nW", 1),
        ("joules_per_photo", "energy\nJ/photo", 1),
        ("accuracy", "accuracy", 1),
        ("top5", "top-5", 1),
        ("accuracy_source", "accuracy of", 1),
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


def batch_tables(rows: list[dict[str, Any]]) -> list[Table]:
    """Show what depends on the number of photos in a batch: a table each, a column a batch size."""
    batch_sizes = sorted({row["batch_size"] for row in rows})
    if len(batch_sizes) < 2:
        return []
    tables = []
    for key, title, unit in (
        ("batch_inference_bytes", "MB to predict a batch", 1e6),
        ("training_bytes", "MB to train on a batch", 1e6),
        ("gpu_peak_bytes", "MB of the GPU to predict a batch", 1e6),
        ("ms_per_photo", "milliseconds per photo", 1),
        ("photos_per_second", "photos per second", 1),
        ("watts", "watts", 1),
        ("joules_per_photo", "joules per photo", 1),
    ):
        values = {(row["name"], row["batch_size"]): row[key] for row in rows if row[key] is not None}
        if not values:
            continue
        table = Table(box=box.SIMPLE_HEAD, title=f"{title}, by photos in a batch", title_justify="left", padding=(0, 1, 0, 0))
        table.add_column("network", overflow="fold")
        for batch_size in batch_sizes:
            table.add_column(str(batch_size), justify="right")
        for name in dict.fromkeys(name for name, _ in values):
            table.add_row(name, *(quantity(values.get((name, batch_size)), unit) for batch_size in batch_sizes))
        tables.append(table)
    return tables


def _table(rows: list[dict[str, Any]], columns: list[tuple[str, str, float]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, caption=_caption(rows), caption_justify="left", padding=(0, 1, 0, 0))
    table.add_column("network", overflow="fold")
    for key, title, _ in columns:
        justify: Literal["left", "right"] = "left" if key in ("family", "weights", "accuracy_source", "error") else "right"
        table.add_column(title, justify=justify, overflow="fold", max_width=90 if key == "accuracy_source" else 40)
    for row in rows:
        table.add_row(row["name"], *(_accuracy(row) if key == "accuracy" else _cell(row[key], unit) for key, _, unit in columns))
    return table


def _caption(rows: list[dict[str, Any]]) -> str:
    """What the columns mean, as far as the rows need it."""
    batch_size = rows[0]["batch_size"]
    sentences = [
        "1 multiply-add is 2 FLOPs. Memory is fp32, weights included: of predicting 1 photo, of a training step (AdamW) of "
        f"{plural(batch_size, 'photo')}, and of each photo more in it."
    ]
    auxiliary = [
        f"{row['name']} ({quantity(row['training_only_parameters'], 1e6)} M)" for row in rows if row["training_only_parameters"]
    ]
    if auxiliary:
        sentences.append(
            f"Parameters are those that predict, without auxiliary classifiers, which memory and disk have: {', '.join(auxiliary)}."
        )
    if device := next((row["device"] for row in rows if row["device"]), None):
        sentences.append(f"Speed is fp32 on {device}: 1 photo in milliseconds, and batches of {batch_size}.")
    if any(is_published(row["accuracy_source"]) for row in rows):
        sentences.append(
            f"Accuracy, with a 95 % interval, is that of torchvision's weights on ImageNet's {N_PHOTOS:,} validation photos, at "
            "the size of this table; a name may load others, as the written table's accuracy_source says."
        )
    sentences += [f"{row['name']}: {text}." for row in rows if (text := _description(row["name"]))]
    return " ".join(sentences)


def _description(name: str) -> str | None:
    """What the file of a network notes of it in timm's registry; None where it notes nothing."""
    config = timm.get_pretrained_cfg(name.partition(".")[0])  # whichever weights the name asks for
    return config.description if config else None


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
