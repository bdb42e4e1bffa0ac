"""How well the true craniovertebral angle explains the mistakes on the bundled photos.

    python benchmarks/angle.py lightning_logs/demo/version_* --output benchmarks/angle.png

Pools the test predictions of several runs, bins them by the angle that the photo was rendered with,
and draws accuracy against angle with 95 % intervals by bootstrap over subjects; prints the rank
correlation of being wrong with the distance to the 50 degree cut-off.
"""

import argparse
import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.stats import spearmanr

CUT_OFF = 50.0


EDGES = np.array([30, 33, 36, 39, 42, 45, 54, 56, 58, 60, 62, 65], dtype=float)


def read(runs: list[Path], metadata: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Angle in degrees, whether the prediction was right, and subject of every test photo."""
    with metadata.open() as file:
        angles = {row["file"]: float(row["cva_degrees"]) for row in csv.DictReader(file)}
    records = []
    for run in runs:
        with (run / "test" / "predictions.csv").open() as file:
            for row in csv.DictReader(file):
                said = "turtle_neck" if float(row["turtle_neck"]) > float(row["normal"]) else "normal"
                records.append((angles[row["path"]], said == row["label"], row["group"]))
    angle, right, subject = zip(*records, strict=True)
    return np.array(angle), np.array(right), np.array(subject)


def accuracy_by_angle(angle: np.ndarray, right: np.ndarray, subject: np.ndarray) -> list[tuple[float, float, float, float, int]]:
    """(middle of bin, accuracy, low, high, photos) for every bin that has photos."""
    generator = np.random.default_rng(0)
    result = []
    for low_edge, high_edge in pairwise(EDGES):
        inside = (angle >= low_edge) & (angle < high_edge)
        if not inside.any():
            continue
        _, codes = np.unique(subject[inside], return_inverse=True)
        counts, correct = np.bincount(codes), np.bincount(codes, right[inside])
        draws = generator.integers(0, len(counts), (2000, len(counts)))
        low, high = np.percentile(correct[draws].sum(1) / counts[draws].sum(1), [2.5, 97.5])
        result.append(((low_edge + high_edge) / 2, float(right[inside].mean()), float(low), float(high), int(inside.sum())))
    return result


def draw(bins: list[tuple[float, float, float, float, int]], n_runs: int, path: Path) -> None:
    """Accuracy against angle."""
    middle, accuracy, low, high, photos = map(np.array, zip(*bins, strict=True))
    picture = Figure(figsize=(7, 3.6), layout="constrained")
    axes = picture.add_subplot()
    axes.errorbar(middle, accuracy, [accuracy - low, high - accuracy], fmt="o", capsize=3)
    for x, y, n in zip(middle, low, photos, strict=True):
        axes.annotate(f"{n}", (x, y), textcoords="offset points", xytext=(0, -12), ha="center", fontsize=7, color="grey")
    axes.axvline(CUT_OFF, color="grey", linestyle="--", linewidth=1)
    axes.annotate("turtle neck", (CUT_OFF - 0.5, 0.52), ha="right", color="grey")
    axes.annotate("normal", (CUT_OFF + 0.5, 0.52), color="grey")
    axes.set(xlabel="true craniovertebral angle (degrees)", ylabel="test accuracy", ylim=(0.5, 1.03))
    axes.set_title(f"{int(photos.sum())} predictions of {n_runs} runs; bars: 95 % over subjects; small figures: photos", fontsize=9)
    picture.savefig(path, dpi=150)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--metadata", type=Path, default=Path("data/turtle_neck/metadata.csv"))
    parser.add_argument("--output", type=Path, default=Path("angle.png"))
    arguments = parser.parse_args()
    angle, right, subject = read(arguments.runs, arguments.metadata)
    for middle, accuracy, low, high, photos in accuracy_by_angle(angle, right, subject):
        print(f"{middle:5.1f} degrees: {accuracy:.3f} ({low:.3f} to {high:.3f}), {photos} photos")
    rank = spearmanr(np.abs(angle - CUT_OFF), ~right)
    print(f"rank correlation of a mistake with the distance to {CUT_OFF:.0f} degrees: {rank.statistic:.3f} (p = {rank.pvalue:.2g})")
    draw(accuracy_by_angle(angle, right, subject), len(arguments.runs), arguments.output)
