"""How much sooner rectifiers learn than tanh (Krizhevsky et al. 2012, figure 1).

    python benchmarks/rectifier.py FOLDER --results rectifier.csv --output docs/rectifier.png

Trains one convolutional network of four layers with either activation from random weights at 32x32
pixels, once per seed, and draws the training error by epoch. Each form has its own learning rate:
the one of a grid by which a further seed reaches 25 % training error first. Every run is added to
the results when it ends, and what is there already is not trained again: the command may be killed
at any moment, and given once more goes on where it was.
"""

import math
import statistics
from itertools import pairwise, product
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from series import PLAIN, Row, add, curves, fit, open_frame, parse, plot_mean_and_range, read, select
from timm.layers import SelectAdaptivePool2d
from timm.models import build_model_with_cfg, generate_default_cfgs
from torch import Tensor, nn

from posture_classifier.models.backbones.base import Backbone, register_variant
from posture_classifier.utils.tables import read_rows

Activation = Literal["relu", "tanh"]
ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh}
COLOURS: dict[Activation, str] = {"relu": "#31688e", "tanh": "#35b779"}
RATES = ("0.001", "0.003", "0.01", "0.03", "0.1")
TARGET = 0.25
"""The training error that the paper compares at."""
RECIPE = ("--model.optimizer", "sgd", "--model.weight_decay", "0", "--data.batch_size", "32", "--unfreezing.warmup_epochs", "1")


class FourLayers(Backbone):
    """Three convolutions with pooling and a classifier. (B, in_chans, H, W) -> (B, num_classes).

    Args:
        activation: Name of the activation, which also decides how wide weights are drawn.
        num_classes: Number of outputs; 0 returns the features before the classifier.
        in_chans: Number of channels of the images.
        drop_rate: Dropout before the classifier.
    """

    def __init__(self, activation: Activation, num_classes: int = 10, in_chans: int = 3, drop_rate: float = 0.0) -> None:
        super().__init__()
        self.num_classes, self.num_features, self.head_hidden_size = num_classes, 64, 64 * 4 * 4
        self.layers = nn.Sequential()
        for inputs, outputs in pairwise((in_chans, 32, 32, 64)):
            convolution = nn.Conv2d(inputs, outputs, 5, padding=2)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity=activation)
            self.layers.append(nn.Sequential(convolution, ACTIVATIONS[activation](), nn.MaxPool2d(3, 2, padding=1)))
        self.global_pool = SelectAdaptivePool2d(output_size=4, pool_type="avg", flatten=True)
        self.drop = nn.Dropout(drop_rate)
        self.fc = self.create_classifier(num_classes)
        self.feature_info = [
            {"num_chs": channels, "reduction": 2 << depth, "module": f"layers.{depth}"}
            for depth, channels in enumerate((32, 32, 64))
        ]

    def group_matcher(self, coarse: bool = False) -> dict[str, str]:
        """Regular expressions that group parameters from input to output, a layer each."""
        return {"stem": r"^layers\.0", "blocks": r"^layers\.(\d)"}

    def forward_features(self, x: Tensor) -> Tensor:
        """(B, in_chans, H, W) -> (B, 64, H/8, W/8)."""
        features: Tensor = self.layers(x)
        return features


def create(activation: Activation, pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """Four layers with this activation."""
    network: nn.Module = build_model_with_cfg(FourLayers, f"four_layers_{activation}", pretrained, activation=activation, **kwargs)
    return network


default_cfgs = generate_default_cfgs({f"four_layers_{name}": {"input_size": (3, 32, 32)} for name in ACTIVATIONS})
for name in ACTIVATIONS:
    register_variant(f"four_layers_{name}", create, name, module=__name__)


def train(activation: str, rate: str, seed: int, folder: Path, epochs: int, results: Path) -> None:
    """Train once, unless the results have it, and add a row for each epoch."""
    key = {"activation": activation, "rate": rate, "seed": seed}
    if select(read(results), **key):
        return
    run = fit(
        f"rectifier_{activation}_{rate}_seed{seed}",
        [
            *("--data.root", str(folder), "--model.backbone", f"four_layers_{activation}", "--model.learning_rate", rate),
            *("--seed_everything", str(seed), "--trainer.max_epochs", str(epochs), *PLAIN, *RECIPE),
        ],
    )
    errors = [
        {
            "epoch": int(row["epoch"]) + 1,
            "training_error": f"{1 - float(row['train/accuracy']):.6g}",
            "validation_error": f"{1 - float(row['val/accuracy']):.6g}",
            "seconds": row["seconds"],
        }
        for row in read_rows(run / "metrics.csv")
    ]
    add(results, [key | error for error in errors])
    print(f"{activation} at {rate}, seed {seed}: training error {errors[-1]['training_error']} after {epochs} epochs", flush=True)


def epochs_to(target: float, errors: list[float]) -> float:
    """Epochs until the training error falls to a target, interpolated; infinite if it never does.

    Example:
        >>> epochs_to(0.25, [0.9, 0.4, 0.2])
        2.75
    """
    for epoch, (before, after) in enumerate(pairwise(errors), start=1):
        if after <= target < before:
            return epoch + (before - target) / (before - after)
    return math.inf


def best_rate(rows: list[Row], activation: str, seed: int) -> str:
    """The learning rate by which this seed reached the target first."""
    chosen = {rate: curves(select(rows, activation=activation, rate=rate, seed=seed), "training_error") for rate in RATES}
    return min(RATES, key=lambda rate: epochs_to(TARGET, chosen[rate][0]))


def report(rows: list[Row], rates: dict[Activation, str], of: range) -> None:
    """Print what each rate of the grid took, and what each seed took by the chosen one."""
    for activation in ACTIVATIONS:
        for rate in RATES:
            tried = curves(select(rows, activation=activation, rate=rate, seed=of[-1] + 1), "training_error")[0]
            print(f"{activation} at {rate}, seed {of[-1] + 1}: {epochs_to(TARGET, tried):.2f} epochs, in the end {tried[-1]:.3f}")
    taken = {activation: [epochs_to(TARGET, curve) for curve in of_form(rows, activation, rates, of)] for activation in ACTIVATIONS}
    for activation, epochs in taken.items():
        last = [curve[-1] for curve in of_form(rows, activation, rates, of, "validation_error")]
        print(
            f"{activation} at {rates[activation]}: {TARGET:.0%} after {' '.join(f'{count:.2f}' for count in epochs)} epochs, mean "
            f"{statistics.mean(epochs):.2f}; validation error {' '.join(f'{error:.3f}' for error in last)}"
        )
    print("tanh takes", " ".join(f"{tanh / relu:.2f}" for relu, tanh in zip(*taken.values(), strict=True)), "times as many")


def of_form(
    rows: list[Row], activation: Activation, rates: dict[Activation, str], of: range, column: str = "training_error"
) -> list[list[float]]:
    """The curves of one form by its chosen rate, one for each seed."""
    return [curves(select(rows, activation=activation, rate=rates[activation], seed=seed), column)[0] for seed in of]


def draw(rows: list[Row], rates: dict[Activation, str], of: range, path: Path) -> None:
    """Plot training error by epoch: mean and range over seeds."""
    picture = Figure(figsize=(5.6, 3.8), layout="constrained")
    axes = picture.subplots()
    for activation, colour in COLOURS.items():
        lines = of_form(rows, activation, rates, of)
        name = {"relu": "ReLU"}.get(activation, activation)
        plot_mean_and_range(axes, range(1, len(lines[0]) + 1), lines, colour, label=f"{name}, rate {rates[activation]}")
    axes.axhline(TARGET, color="#666666", linewidth=1, linestyle="--")
    axes.set(xlabel="epoch", ylabel="training error", ylim=(0, 1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, title="mean and range over seeds")
    open_frame(axes)
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    arguments = parse(__doc__, "rectifier", epochs=25, of_seeds="first and last; the one after them chooses the rates")
    chooser = arguments.seeds[-1] + 1
    for activation, rate in product(ACTIVATIONS, RATES):
        train(activation, rate, chooser, arguments.folder, arguments.epochs, arguments.results)
    rates = {activation: best_rate(read(arguments.results), activation, chooser) for activation in ACTIVATIONS}
    for seed, activation in product(arguments.seeds, ACTIVATIONS):
        train(activation, rates[activation], seed, arguments.folder, arguments.epochs, arguments.results)
    report(read(arguments.results), rates, arguments.seeds)
    draw(read(arguments.results), rates, arguments.seeds, arguments.output)
