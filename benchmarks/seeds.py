"""Repeat a ``fit`` with several seeds and say how much the result depends on them.

    python benchmarks/seeds.py FIRST-LAST --config configs/demo.yaml [any other option of fit]

A seed names the split too, so every run is tested on other people. Prints a line a run, then mean
and range; the figures are those of the runs' ``summary.json``. Recipes are compared by the
validation loss, so that the test photos take no part in the choice.
"""

import contextlib
import csv
import io
import json
import statistics
import sys
import time
from pathlib import Path

from posture_classifier.cli.program import main


def run(options: list[str], seed: int) -> dict[str, float]:
    """Train once; returns test accuracy, validation loss of the same checkpoint, and seconds."""
    output = io.StringIO()
    start = time.perf_counter()
    with contextlib.redirect_stdout(output):
        code = main(["fit", *options, "--seed_everything", str(seed), "--trainer.enable_progress_bar", "false"])
    if code != 0:
        sys.exit(code)
    seconds = time.perf_counter() - start
    folder = Path(output.getvalue().rpartition("run folder:")[2].splitlines()[0].strip())
    summary = json.loads((folder / "summary.json").read_text())
    # A refitted network has no validation photos: those of the first one chose.
    chosen = Path(summary.get("refit", {}).get("first_run", folder))
    with (chosen / "metrics.csv").open() as file:
        loss = min(float(row["val/loss"]) for row in csv.DictReader(file))
    figure = summary["accuracy"]
    print(
        f"seed {seed}: accuracy {figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f}), {summary['images']} photos, "
        f"{summary['groups'] or 'no'} groups, log loss {summary['log_loss']['value']:.3f}, validation loss {loss:.3f}, "
        f"{seconds:.0f} s, {folder}",
        flush=True,
    )
    return {"accuracy": figure["value"], "log_loss": summary["log_loss"]["value"], "loss": loss, "seconds": seconds}


if __name__ == "__main__":
    first, last = map(int, sys.argv[1].split("-"))
    results = [run(sys.argv[2:], seed) for seed in range(first, last + 1)]
    accuracies = [result["accuracy"] for result in results]
    print(
        f"{len(accuracies)} seeds: mean {statistics.mean(accuracies):.3f}, range {min(accuracies):.3f} to {max(accuracies):.3f}; "
        f"log loss {statistics.mean(result['log_loss'] for result in results):.3f}, "
        f"validation loss {statistics.mean(result['loss'] for result in results):.3f}; "
        f"median {statistics.median(result['seconds'] for result in results):.0f} s a run"
    )
