"""Compares runs of two recipes seed by seed, on the test photos that both have judged.

    python benchmarks/paired.py BEFORE_RUN ... --with RUN ...

A seed names the split, so that runs of one seed are tested on the same photos. Prints rows of a
table: accuracy and log loss, means over the seeds, and how the second recipe differs from the
first, with a 95 % interval over people, or photos, that keeps all predictions of one together.
Seeds that only one of them has are left out.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from posture_classifier.metrics.intervals import estimate_mean
from posture_classifier.rendering.formatting import describe_interval
from posture_classifier.runs.names import PREDICTIONS_CSV, SUMMARY_JSON
from posture_classifier.runs.predictions import read_prediction_table
from posture_classifier.utils.types import Floats


class Scored(NamedTuple):
    """A test photo: whether it is right (1 or 0), its log loss, and its group."""

    values: tuple[float, float]
    group: str


Scores = dict[str, Scored]
"""The test photos by their paths."""


def scores_of_run(run: Path) -> Scores:
    """The same of a run of ``fit``."""
    table = read_prediction_table(run / "test" / PREDICTIONS_CSV)
    predictions = table.predictions
    chosen = predictions.probabilities[np.arange(len(table)), predictions.labels]
    cells = zip(
        table.paths.tolist(), table.correct.astype(float).tolist(), (-np.log(chosen)).tolist(), table.groups.tolist(), strict=True
    )
    return {path: Scored((hit, loss), group) for path, hit, loss, group in cells}


def describe(seeds: dict[int, Scores], reference: dict[int, Scores]) -> str:
    """Cells of a row: accuracy and log loss, and how they differ from the reference's."""
    means = [np.mean([photo.values[0] for photo in scores.values()]) for scores in seeds.values()]
    loss = np.mean([photo.values[1] for scores in seeds.values() for photo in scores.values()])
    text = f"{np.mean(means):.3f} ({min(means):.3f} to {max(means):.3f}) | {loss:.3f}"
    if seeds is reference:
        return f"{text} | |"
    for column in (0, 1):
        pairs = [(reference[seed][path], photo) for seed, scores in seeds.items() for path, photo in scores.items()]
        differences: Floats = np.array([photo.values[column] - before.values[column] for before, photo in pairs])
        estimate = estimate_mean(differences, np.array([photo.group for _, photo in pairs]))
        text += f" | {estimate.value:+.3f} ({describe_interval(estimate)})"
    return text


def by_seed(runs: list[Path]) -> dict[int, Path]:
    """The folders of runs by their seeds."""
    return {json.loads((run / SUMMARY_JSON).read_text())["seed"]: run for run in runs}


def mean_ece(runs: dict[int, Path]) -> float:
    """The mean expected calibration error of runs, without a temperature."""
    return float(np.mean([json.loads((run / SUMMARY_JSON).read_text())["ece"]["value"] for run in runs.values()]))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path, nargs="+")
    parser.add_argument("--with", type=Path, nargs="+", required=True, dest="after")
    options = parser.parse_args()
    before, after = by_seed(options.before), by_seed(options.after)
    seeds = sorted(before.keys() & after.keys())
    before, after = ({seed: runs[seed] for seed in seeds} for runs in (before, after))
    reference = {seed: scores_of_run(run) for seed, run in before.items()}
    groups = {photo.group for scores in reference.values() for photo in scores.values()}
    print(f"seeds {seeds}: {sum(map(len, reference.values()))} predictions of {len(groups)} groups")
    print("| | accuracy | log loss | accuracy, less before | log loss, less before | ECE |\n|---|---|---|---|---|---|")
    print(f"| before | {describe(reference, reference)} {mean_ece(before):.3f} |")
    print(f"| after | {describe({seed: scores_of_run(run) for seed, run in after.items()}, reference)} | {mean_ece(after):.3f} |")
