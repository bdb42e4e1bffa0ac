"""What a block of a plain and of a residual network is worth (Veit et al. 2016, section 4.1).

    python benchmarks/deleted_blocks.py FOLDER --output docs/deleted_blocks.png

Trains both networks from random weights at 32x32 pixels by the recipe of ``degradation.py``, once
per seed, then deletes each block by itself and draws the accuracy on the test photos. A run is
added to the results when it was measured, and what is there already is not trained again. The
command may be killed at any moment: given once more, it goes on where it was.
"""

import argparse
import contextlib
import csv
import statistics
import sys
from itertools import product
from pathlib import Path

import torch
from degradation import RECIPE, read
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from posture_classifier.cli.program import main
from posture_classifier.report.deleted_blocks import NOTHING, measure_deletions
from posture_classifier.report.finished_run import FinishedRun, read_finished_run
from posture_classifier.runs.folder import last_checkpoint
from posture_classifier.utils.errors import UserError

NETWORKS = {"cifar_plain20": ("plain", "#d55e00"), "cifar_resnet20": ("ResNet, identity shortcuts", "#0072b2")}
COLUMNS = ("network", "seed", "deleted", "images", "accuracy")


def finished(experiment: str) -> FinishedRun | None:
    """The run of an experiment; None where it has not ended."""
    folders = sorted((Path("lightning_logs") / experiment).glob("version_*/summary.json"))
    return read_finished_run(folders[-1].parent) if folders else None


def train(network: str, seed: int, folder: Path, epochs: int) -> FinishedRun:
    """One run of ``fit``, or the rest of one that was killed, or what has ended already."""
    experiment = f"deleted_blocks_{network}_seed{seed}"
    if run := finished(experiment):
        return run
    options = ["--data.root", str(folder), "--experiment", experiment, "--trainer.max_epochs", str(epochs), *RECIPE]
    with contextlib.suppress(UserError):  # there is nothing to go on from
        options += ["--ckpt_path", str(last_checkpoint(Path("lightning_logs") / experiment))]
    with contextlib.redirect_stdout(None):
        code = main(["fit", "--model.backbone", network, "--seed_everything", str(seed), *options])
    if code != 0 or (run := finished(experiment)) is None:
        sys.exit(code)
    return run


def measure(network: str, seed: int, run: FinishedRun, results: Path) -> None:
    """Delete each block in turn, on all test photos, and add the accuracies to the results."""
    deletions = measure_deletions(run, most=len(run.evaluated))
    rows = [(network, seed, each.deleted, each.images, each.accuracy.value) for each in deletions]
    is_new = not results.exists()
    with results.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows] if is_new else rows)


def accuracies(rows: list[dict[str, str]], network: str) -> dict[str, list[float]]:
    """Accuracy of each seed, by what was deleted, in the order in which blocks run."""
    by_block: dict[str, list[float]] = {}
    for row in rows:
        if row["network"] == network:
            by_block.setdefault(row["deleted"], []).append(float(row["accuracy"]))
    return by_block


def report(rows: list[dict[str, str]]) -> None:
    """Print the accuracy of the whole networks, and its range without a block."""
    for network in NETWORKS:
        by_block = accuracies(rows, network)
        whole = " ".join(f"{value:.3f}" for value in by_block.pop(NOTHING))
        values = [value for block in by_block.values() for value in block]
        spread = f"median {statistics.median(values):.3f}, {min(values):.3f} to {max(values):.3f}"
        print(f"{network}: whole {whole}; without a block {spread} ({len(by_block)} blocks, {len(values)} deletions)")
        for block, seeds in by_block.items():
            print(f"  {block}: {' '.join(f'{value:.3f}' for value in seeds)}")


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Plot accuracy by deleted block: a dot per seed, and a line through the medians."""
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.subplots()
    for shift, (network, (title, colour)) in zip((-0.08, 0.08), NETWORKS.items(), strict=True):
        by_block = accuracies(rows, network)
        places = [place + shift for place in range(len(by_block))]
        for place, seeds in zip(places, by_block.values(), strict=True):
            axes.plot([place] * len(seeds), seeds, "o", color=colour, alpha=0.6, markersize=5, markeredgewidth=0)
        axes.plot(places, list(map(statistics.median, by_block.values())), color=colour, linewidth=1.6, label=title)
        axes.set_xticks(range(len(by_block)), list(by_block), fontsize=9)
    n_classes = 10
    axes.axhline(1 / n_classes, color="black", alpha=0.5, linewidth=1, linestyle=":", label="chance")
    axes.set(xlabel="deleted block, from input to output", ylabel="test accuracy", ylim=(0, 1.02))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.25, axis="y")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(0.0, 0.42))
    figure.savefig(path, dpi=160)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="photos, one folder per class")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", default="0-2", help="first and last")
    parser.add_argument("--results", type=Path, default=Path("deleted_blocks.csv"))
    parser.add_argument("--output", type=Path, default=Path("deleted_blocks.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # layers this small are not faster on more
    first, last = map(int, arguments.seeds.split("-"))
    for seed, network in product(range(first, last + 1), NETWORKS):
        if not any((row["network"], row["seed"]) == (network, str(seed)) for row in read(arguments.results)):
            run = train(network, seed, arguments.folder, arguments.epochs)
            measure(network, seed, run, arguments.results)
    report(read(arguments.results))
    draw(read(arguments.results), arguments.output)
