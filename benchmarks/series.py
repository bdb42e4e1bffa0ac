"""A series of trainings whose figures go to one table, and which goes on where it was killed."""

import argparse
import contextlib
import csv
import io
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.axes import Axes

from posture_classifier.cli.program import main
from posture_classifier.runs.folder import last_checkpoint
from posture_classifier.utils.errors import UserError

Row = dict[str, str]
"""A row of the table, by column."""

PLAIN = (
    # From random weights, all stages open, every photo as it is, in fp32 on any machine.
    *("--model.pretrained", "false", "--unfreezing.open_stages", "{0: all}", "--model.layer_decay", "1"),
    *("--data.augmentation", "[]", "--data.num_workers", "0", "--precision", "fp32"),
    *("--trainer.enable_progress_bar", "false", "--report", "false"),
)
"""Options of ``fit`` for a comparison of networks that learn from nothing."""


def fit(experiment: str, options: Sequence[str]) -> Path:
    """Train by ``fit``, or train the rest of a run that was killed.

    Args:
        experiment: A name of its own for each run of the series.
        options: Further options of ``fit``.

    Returns:
        The run folder.

    Raises:
        SystemExit: ``fit`` failed, with its exit code.
    """
    resume: list[str] = []
    with contextlib.suppress(UserError):  # there is nothing to go on from
        resume = ["--ckpt_path", str(last_checkpoint(Path("lightning_logs") / experiment))]
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = main(["fit", "--experiment", experiment, *options, *resume])
    if code != 0:
        sys.exit(code)
    return Path(output.getvalue().rpartition("run folder:")[2].splitlines()[0].strip())


def read(results: Path) -> list[Row]:
    """The rows of all runs so far."""
    if not results.is_file():
        return []
    with results.open(newline="") as file:
        return list(csv.DictReader(file))


def add(results: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Append the rows of a run, under a header if they are the first."""
    is_new = not results.exists()
    with results.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerows(rows)


def select(rows: Iterable[Row], **values: object) -> list[Row]:
    """The rows that have these values, compared as they are written."""
    return [row for row in rows if all(row[column] == str(value) for column, value in values.items())]


def curves(rows: Iterable[Row], column: str) -> list[list[float]]:
    """The values of a column, a list for each seed in the order of the rows."""
    of_seed: dict[str, list[float]] = {}
    for row in rows:
        of_seed.setdefault(row["seed"], []).append(float(row[column]))
    return [of_seed[seed] for seed in sorted(of_seed)]


def seeds(text: str) -> range:
    """Parse ``FIRST-LAST``."""
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


def parse(documentation: str | None, name: str, epochs: int | None = None, of_seeds: str = "first and last") -> argparse.Namespace:
    """Read the command line, and compute in one thread, so that any machine sums alike.

    Args:
        documentation: The script's own, whose first line describes it.
        name: Name of the table and of the figure.
        epochs: Epochs of a run unless told; None if their number is part of the recipe.
        of_seeds: What to say of the seeds.
    """
    parser = argparse.ArgumentParser(description=(documentation or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="photos, one folder per class")
    if epochs is not None:
        parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--seeds", type=seeds, default="0-2", help=of_seeds)
    parser.add_argument("--results", type=Path, default=Path(f"{name}.csv"))
    parser.add_argument("--output", type=Path, default=Path(f"{name}.png"))
    torch.set_num_threads(1)
    return parser.parse_args()


def plot_mean_and_range(
    axes: Axes, x: Sequence[float], lines: Sequence[Sequence[float]], colour: str, label: str, style: str = "-"
) -> None:
    """Draw the mean of several lines over ``x``, and their range as a band."""
    at_each = list(zip(*lines, strict=True))
    axes.fill_between(x, list(map(min, at_each)), list(map(max, at_each)), color=colour, alpha=0.2, linewidth=0)
    axes.plot(x, list(map(statistics.mean, at_each)), style, color=colour, linewidth=1.8, label=label)


def open_frame(axes: Axes) -> None:
    """A faint grid and no frame above and to the right."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
