"""Repeat a ``fit`` with several seeds and say how much the result depends on them.

    python benchmarks/seeds.py 5 --config configs/demo.yaml [any other option of fit]

A seed names the split too, so every run is tested on other people. Prints a line a run, then mean and range; the figures
are those of the runs' ``summary.json``.
"""

import contextlib
import io
import json
import statistics
import sys
import time
from pathlib import Path

from posture_classifier.cli import main


def run(options: list[str], seed: int) -> dict[str, float]:
    """Train once; returns the test accuracy, its interval, and the seconds that it all took."""
    output = io.StringIO()
    start = time.perf_counter()
    with contextlib.redirect_stdout(output):
        code = main(["fit", *options, "--seed_everything", str(seed), "--trainer.enable_progress_bar", "false"])
    if code != 0:
        sys.exit(code)
    seconds = time.perf_counter() - start
    folder = Path(output.getvalue().rpartition("run folder:")[2].strip())
    summary = json.loads((folder / "summary.json").read_text())
    figure = summary["accuracy"]
    print(
        f"seed {seed}: accuracy {figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f}), {summary['images']} photos, "
        f"{summary['groups'] or 'no'} groups, {seconds:.0f} s, {folder}",
        flush=True,
    )
    return {"accuracy": figure["value"], "seconds": seconds}


if __name__ == "__main__":
    results = [run(sys.argv[2:], seed) for seed in range(int(sys.argv[1]))]
    values = [result["accuracy"] for result in results]
    print(
        f"{len(values)} seeds: mean {statistics.mean(values):.3f}, range {min(values):.3f} to {max(values):.3f}; "
        f"median {statistics.median(result['seconds'] for result in results):.0f} s a run"
    )
