"""Deeper networks that fit their training photos worse (He et al. 2015, section 4.2).

    python benchmarks/degradation.py FOLDER --results degradation.csv --output docs/degradation.png

Trains plain and residual networks of 20 and 56 layers from random weights at 32x32 pixels, all on
the same photos with the same budget, once per seed, and draws their training error by epoch, the
complement of what ``fit`` logs as ``train/accuracy``. Every run is added to the results when it
ends, and what is there already is not trained again. The command may be killed at any moment: given
once more, it goes on where it was.
"""

import argparse
import contextlib
import csv
import io
import statistics
import sys
from itertools import product
from pathlib import Path

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from posture_classifier.cli.program import main
from posture_classifier.runs.folder import last_checkpoint, versions
from posture_classifier.runs.names import METRICS_CSV
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.tables import read_rows

PANELS = {"plain": "without shortcuts", "resnet": "with identity shortcuts"}
DEPTHS = {20: "#35b779", 56: "#31688e"}
"""Numbers of layers, with their colours."""
COLUMNS = ("network", "seed", "epoch", "training_error", "validation_error", "seconds")
RECIPE = (
    # The paper's SGD with momentum and weight decay; its rate of 0.1 is for 128 photos a step.
    *("--model.pretrained", "false", "--model.optimizer", "sgd", "--model.learning_rate", "0.025"),
    *("--model.weight_decay", "1e-4", "--model.layer_decay", "1", "--data.batch_size", "16", "--data.augmentation", "[]"),
    *("--unfreezing.open_stages", "{0: all}", "--unfreezing.warmup_epochs", "1"),
    *("--trainer.enable_progress_bar", "false", "--data.num_workers", "0"),
)


def train(network: str, seed: int, folder: Path, epochs: int, results: Path) -> None:
    """One run of ``fit``, or the rest of one that was killed, added to the results."""
    experiment = Path("lightning_logs") / f"degradation_{network}_seed{seed}"
    options = ["--data.root", str(folder), "--experiment", experiment.name, "--trainer.max_epochs", str(epochs), *RECIPE]
    with contextlib.suppress(UserError):  # there is nothing to go on from
        options += ["--ckpt_path", str(last_checkpoint(experiment))]
    with contextlib.redirect_stdout(io.StringIO()):
        code = main(["fit", "--model.backbone", network, "--seed_everything", str(seed), *options])
    if code != 0:
        sys.exit(code)
    rows = []
    for row in read_rows(versions(experiment)[-1] / METRICS_CSV):
        training, validation = (f"{1 - float(row[f'{split}/accuracy']):.6g}" for split in ("train", "val"))
        rows.append((network, seed, int(row["epoch"]) + 1, training, validation, row["seconds"]))
    is_new = not results.exists()
    with results.open("a", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([COLUMNS, *rows] if is_new else rows)
    print(f"{network}, seed {seed}: training error {float(rows[-1][3]):.3f} after {epochs} epochs", flush=True)


def curves(rows: list[dict[str, str]], network: str, column: str = "training_error") -> list[list[float]]:
    """The errors of each seed, by epoch."""
    of_seed: dict[str, list[float]] = {}
    for row in rows:
        if row["network"] == network:
            of_seed.setdefault(row["seed"], []).append(float(row[column]))
    return [of_seed[seed] for seed in sorted(of_seed)]


def report(rows: list[dict[str, str]]) -> None:
    """Print the errors of the last epoch, and how long a run took."""
    for kind in PANELS:
        for depth in DEPTHS:
            network = f"cifar_{kind}{depth}"
            seconds = statistics.median(sum(seed) for seed in curves(rows, network, "seconds"))
            for column in ("training_error", "validation_error"):
                last = [seed[-1] for seed in curves(rows, network, column)]
                errors = " ".join(f"{error:.3f}" for error in last)
                print(f"{network} {column.replace('_', ' ')}: {errors}, mean {statistics.mean(last):.3f}; {seconds:.0f} s a run")


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """Plot training error by epoch (mean and range over seeds): plain left, residual right."""
    picture = Figure(figsize=(8, 3.8), layout="constrained")
    panels = picture.subplots(1, 2, sharex=True, sharey=True)
    for axes, (kind, title) in zip(panels, PANELS.items(), strict=True):
        for depth, colour in DEPTHS.items():
            by_epoch = list(zip(*curves(rows, f"cifar_{kind}{depth}"), strict=True))
            epochs = range(1, len(by_epoch) + 1)
            axes.fill_between(epochs, list(map(min, by_epoch)), list(map(max, by_epoch)), color=colour, alpha=0.2, linewidth=0)
            axes.plot(epochs, list(map(statistics.mean, by_epoch)), color=colour, linewidth=1.8, label=f"{depth} layers")
        axes.set_title(f"{kind.replace('resnet', 'ResNet')}, {title}", fontsize=10)
        axes.set(xlabel="epoch", ylim=(0, 1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("training error")
    panels[1].legend(frameon=False, title="mean and range over seeds")
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="photos, one folder per class")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", default="0-2", help="first and last")
    parser.add_argument("--results", type=Path, default=Path("degradation.csv"))
    parser.add_argument("--output", type=Path, default=Path("degradation.png"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)  # layers this small are not faster on more
    first, last = map(int, arguments.seeds.split("-"))
    for seed, depth, kind in product(range(first, last + 1), DEPTHS, PANELS):
        network = f"cifar_{kind}{depth}"
        if not any((row["network"], row["seed"]) == (network, str(seed)) for row in read_rows(arguments.results)):
            train(network, seed, arguments.folder, arguments.epochs, arguments.results)
    report(read_rows(arguments.results))
    draw(read_rows(arguments.results), arguments.output)
