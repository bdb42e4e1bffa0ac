"""Deeper networks that fit their training photos worse (He et al. 2015, section 4.2).

    python benchmarks/degradation.py FOLDER --results degradation.csv --output docs/degradation.png

Trains plain and residual networks of 20 and 56 layers from random weights at 32x32 pixels, all on
the same photos with the same budget, once per seed, and draws their training error by epoch, the
complement of what ``fit`` logs as ``train/accuracy``. Every run is added to the results when it
ends, and what is there already is not trained again. The command may be killed at any moment: given
once more, it goes on where it was.
"""

import statistics
from itertools import product
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from series import Row, add, curves, fit, open_frame, parse, plot_mean_and_range, read, select

from posture_classifier.runs.names import METRICS_CSV
from posture_classifier.utils.tables import read_rows

PANELS = {"plain": "without shortcuts", "resnet": "with identity shortcuts"}
DEPTHS = {20: "#35b779", 56: "#31688e"}
"""Numbers of layers, with their colours."""
RECIPE = (
    # The paper's SGD with momentum and weight decay; its rate of 0.1 is for 128 photos a step.
    *("--model.pretrained", "false", "--model.optimizer", "sgd", "--model.learning_rate", "0.025"),
    *("--model.weight_decay", "1e-4", "--model.layer_decay", "1", "--data.batch_size", "16", "--data.augmentation", "[]"),
    *("--unfreezing.open_stages", "{0: all}", "--unfreezing.warmup_epochs", "1"),
    *("--trainer.enable_progress_bar", "false", "--data.num_workers", "0"),
)


def experiment(network: str, seed: int) -> str:
    """Name of the experiment of a run."""
    return f"degradation_{network}_seed{seed}"


def fit_once(network: str, seed: int, folder: Path, epochs: int) -> Path:
    """Train by the recipe; returns the run folder."""
    options = ["--data.root", str(folder), "--model.backbone", network, "--seed_everything", str(seed), *RECIPE]
    return fit(experiment(network, seed), [*options, "--trainer.max_epochs", str(epochs)])


def train(network: str, seed: int, folder: Path, epochs: int, results: Path) -> None:
    """Train once, unless the results have it, and add a row for each epoch."""
    key = {"network": network, "seed": seed}
    if select(read(results), **key):
        return
    errors = [
        {
            "epoch": int(row["epoch"]) + 1,
            "training_error": f"{1 - float(row['train/accuracy']):.6g}",
            "validation_error": f"{1 - float(row['val/accuracy']):.6g}",
            "seconds": row["seconds"],
        }
        for row in read_rows(fit_once(network, seed, folder, epochs) / METRICS_CSV)
    ]
    add(results, [key | error for error in errors])
    print(f"{network}, seed {seed}: training error {errors[-1]['training_error']} after {epochs} epochs", flush=True)


def report(rows: list[Row]) -> None:
    """Print the errors of the last epoch, and how long a run took."""
    for kind in PANELS:
        for depth in DEPTHS:
            network = f"cifar_{kind}{depth}"
            seconds = statistics.median(sum(seed) for seed in curves(select(rows, network=network), "seconds"))
            for column in ("training_error", "validation_error"):
                last = [seed[-1] for seed in curves(select(rows, network=network), column)]
                errors = " ".join(f"{error:.3f}" for error in last)
                print(f"{network} {column.replace('_', ' ')}: {errors}, mean {statistics.mean(last):.3f}; {seconds:.0f} s a run")


def draw(rows: list[Row], path: Path) -> None:
    """Plot training error by epoch (mean and range over seeds): plain left, residual right."""
    picture = Figure(figsize=(8, 3.8), layout="constrained")
    panels = picture.subplots(1, 2, sharex=True, sharey=True)
    for axes, (kind, title) in zip(panels, PANELS.items(), strict=True):
        for depth, colour in DEPTHS.items():
            lines = curves(select(rows, network=f"cifar_{kind}{depth}"), "training_error")
            plot_mean_and_range(axes, range(1, len(lines[0]) + 1), lines, colour, label=f"{depth} layers")
        axes.set_title(f"{kind.replace('resnet', 'ResNet')}, {title}", fontsize=10)
        axes.set(xlabel="epoch", ylim=(0, 1))
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        open_frame(axes)
    panels[0].set_ylabel("training error")
    panels[1].legend(frameon=False, title="mean and range over seeds")
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    arguments = parse(__doc__, "degradation", epochs=8)
    for seed, depth, kind in product(arguments.seeds, DEPTHS, PANELS):
        train(f"cifar_{kind}{depth}", seed, arguments.folder, arguments.epochs, arguments.results)
    report(read(arguments.results))
    draw(read(arguments.results), arguments.output)
