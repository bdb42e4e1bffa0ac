"""What depth, width and resolution are each worth alone, and together (Tan and Le 2019, figure 3).

    python benchmarks/scaling.py FOLDER --results scaling.csv --output docs/scaling.png

Starts from a small EfficientNet at 32x32 pixels, makes it deeper, wider, of finer input, or all of
these by the paper's ratios, trains every form from random weights with one recipe, once per seed,
and draws test accuracy against multiply-adds. Every run is added to the results when it ends, and
what is there already is not trained again: the command may be killed at any moment, and given once
more goes on where it was.
"""

import json
import statistics
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from series import PLAIN, Row, add, fit, open_frame, parse, plot_mean_and_range, read, select
from timm.models import efficientnet, generate_default_cfgs
from torch import nn

from posture_classifier.costs.operations import build_network, forward_costs
from posture_classifier.models.backbones.base import register_variant


class Form(NamedTuple):
    """How an EfficientNet is scaled.

    Attributes:
        width: Its channels as a multiple of B0's.
        depth: Its blocks as a multiple of B0's.
        resolution: Side of the images in pixels.
    """

    width: float
    depth: float
    resolution: int

    @property
    def network(self) -> str:
        """The name in timm's registry, which has no full stop."""
        return f"efficientnet_width{self.width * 100:.0f}_depth{self.depth * 100:.0f}"


BASE = Form(0.25, 0.5, 32)
SCALED = {
    "depth": [Form(0.25, depth, 32) for depth in (1.0, 2.0)],
    "width": [Form(width, 0.5, 32) for width in (0.5, 1.0)],
    "resolution": [Form(0.25, 0.5, resolution) for resolution in (48, 96)],
    # Section 3.3: depth by 1.2, width by 1.1 and resolution by 1.15 at each step.
    "compound": [Form(0.25 * 1.1**step, 0.5 * 1.2**step, round(32 * 1.15**step)) for step in (1, 3)],
}
FORMS = [BASE, *(form for forms in SCALED.values() for form in forms)]
COLOURS = {"depth": "#440154", "width": "#31688e", "resolution": "#35b779", "compound": "#d95f02"}
RECIPE = (
    *("--model.optimizer", "adamw", "--model.learning_rate", "0.003", "--model.weight_decay", "0.01"),
    *("--data.batch_size", "32", "--unfreezing.warmup_epochs", "1"),
)


def create(width: float, depth: float, pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """EfficientNet-B0 with other numbers of channels and blocks."""
    # timm's public functions have fixed multiples.
    network: nn.Module = efficientnet._gen_efficientnet("efficientnet_b0", width, depth, pretrained=pretrained, **kwargs)
    return network


default_cfgs = generate_default_cfgs({form.network: {"input_size": (3, 32, 32)} for form in FORMS})
for network, form in {form.network: form for form in FORMS}.items():
    register_variant(network, create, form.width, form.depth, module=__name__)


@cache
def multiply_adds(form: Form) -> int:
    """Multiply-adds of a forward pass of one photo."""
    network = build_network(form.network, None, torch.device("meta"), 10)
    return forward_costs(network, (1, 3, form.resolution, form.resolution)).multiply_adds


def train(form: Form, seed: int, folder: Path, epochs: int, results: Path) -> None:
    """Train and test once, unless the results have it, and add the row."""
    key = {"network": form.network, "image_size": form.resolution, "seed": seed}
    if select(read(results), **key):
        return
    run = fit(
        f"scaling_{form.network}_{form.resolution}px_seed{seed}",
        [
            *("--data.root", str(folder), "--model.backbone", form.network, "--model.image_size", str(form.resolution)),
            *("--seed_everything", str(seed), "--trainer.max_epochs", str(epochs), *PLAIN, *RECIPE),
        ],
    )
    summary = json.loads((run / "summary.json").read_text())
    accuracy = {name: summary["accuracy"][name] for name in ("value", "low", "high")}
    add(results, [key | accuracy | {"images": summary["images"], "groups": summary["groups"]}])
    print(f"{form.network} at {form.resolution} px, seed {seed}: accuracy {accuracy['value']:.3f}", flush=True)


def accuracies(rows: list[Row], form: Form) -> list[Row]:
    """The results of a form, one row for each seed."""
    return sorted(select(rows, network=form.network, image_size=form.resolution), key=lambda row: int(row["seed"]))


def report(rows: list[Row]) -> None:
    """Print the multiply-adds of each form and the accuracy of each seed with its interval."""
    for dimension, form in [("base", BASE), *((dimension, form) for dimension, forms in SCALED.items() for form in forms)]:
        tested = accuracies(rows, form)
        each = ", ".join(f"{float(row['value']):.3f} ({float(row['low']):.3f} to {float(row['high']):.3f})" for row in tested)
        mean = statistics.mean(float(row["value"]) for row in tested)
        size = f"width {form.width:.3g}, depth {form.depth:.3g}, {form.resolution} px, {multiply_adds(form) / 1e6:.2f} M"
        print(f"{dimension}: {size}: {each}; mean {mean:.3f}; {tested[0]['images']} photos, {tested[0]['groups'] or 'no'} groups")


def draw(rows: list[Row], path: Path) -> None:
    """Plot test accuracy by multiply-adds: mean and range over seeds, a line for each dimension."""
    picture = Figure(figsize=(6.4, 4.2), layout="constrained")
    axes = picture.subplots()
    for dimension, scaled in SCALED.items():
        forms = [BASE, *scaled]
        operations = [multiply_adds(form) / 1e6 for form in forms]
        by_seed = zip(*([float(row["value"]) for row in accuracies(rows, form)] for form in forms), strict=True)
        plot_mean_and_range(axes, operations, list(by_seed), COLOURS[dimension], label=dimension, style="o-")
    axes.set(xlabel="multiply-adds of a forward pass, millions", ylabel="test accuracy")
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.legend(frameon=False, title="mean and range over seeds", loc="lower right")
    open_frame(axes)
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    arguments = parse(__doc__, "scaling", epochs=10)
    for seed, form in product(arguments.seeds, FORMS):
        train(form, seed, arguments.folder, arguments.epochs, arguments.results)
    report(read(arguments.results))
    draw(read(arguments.results), arguments.output)
