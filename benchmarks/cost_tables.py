"""The tables of docs/architectures.md, from what the ``backbones`` command wrote.

    python benchmarks/cost_tables.py costs.csv [--batches ms_per_photo]

Prints a row for each network as Markdown, of several batch sizes the largest; or with ``--batches``
one column of the table, by batch size.
"""

import argparse
from pathlib import Path

from posture_classifier.rendering.formatting import quantity
from posture_classifier.utils.tables import read_table

COLUMNS = {
    "image_size": ("input px", 1.0),
    "parameters": ("parameters M", 1e6),
    "multiply_adds": ("multiply-adds G", 1e9),
    "activations": ("activations M", 1e6),
    "inference_bytes": ("predict 1, MB", 1e6),
    "training_bytes": ("train {batch_size}, MB", 1e6),
    "training_bytes_per_photo": ("each more, MB", 1e6),
    "latency_median_ms": ("median ms", 1.0),
    "latency_p95_ms": ("p95 ms", 1.0),
    "photos_per_second": ("photos/s", 1.0),
}
"""Columns of the page, with titles and units."""


def cost_table(rows: list[dict[str, str]]) -> list[list[str]]:
    """Cells: a row for each network in its largest batch, titles first, without empty columns."""
    largest = max(rows, key=lambda row: int(row["batch_size"]))["batch_size"]
    rows = [row for row in rows if row["batch_size"] == largest]
    columns = [column for column in COLUMNS if any(row[column] for row in rows)]
    titles = [COLUMNS[column][0].format(batch_size=largest) for column in columns]
    figures = [[_cell(row[column], COLUMNS[column][1]) for column in columns] for row in rows]
    networks = [[f"`{row['name']}`", *cells, row["weights"]] for row, cells in zip(rows, figures, strict=True)]
    return [["network", *titles, "weights"], *networks]


def batch_table(rows: list[dict[str, str]], column: str) -> list[list[str]]:
    """Cells: a row for each network and a column for each batch size, titles first."""
    batch_sizes = sorted({int(row["batch_size"]) for row in rows})
    values = {(row["name"], int(row["batch_size"])): row[column] for row in rows}
    unit = 1e6 if column.endswith("bytes") else 1.0
    names = dict.fromkeys(row["name"] for row in rows)
    networks = [[f"`{name}`", *(_cell(values[name, size], unit) for size in batch_sizes)] for name in names]
    return [["network", *map(str, batch_sizes)], *networks]


def markdown(table: list[list[str]]) -> str:
    """Write cells as Markdown, with numbers at the right."""
    titles, *rows = table
    rule = ["---" if title in ("network", "weights") else "---:" for title in titles]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rule, *rows))


def _cell(text: str, unit: float) -> str:
    return quantity(float(text), unit) if text else ""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--batches", help="a column of the table, such as ms_per_photo or batch_inference_bytes")
    arguments = parser.parse_args()
    read = [row for row in read_table(arguments.table, ["name", "batch_size"]) if not row["error"]]
    print(markdown(batch_table(read, arguments.batches) if arguments.batches else cost_table(read)))
