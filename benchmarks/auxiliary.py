"""What the auxiliary classifiers of GoogLeNet do to its gradients (Szegedy et al. 2014, section 5).

    python benchmarks/auxiliary.py FOLDER --results auxiliary.csv --output docs/auxiliary.png

Trains GoogLeNet for one epoch from random weights, with and without its two auxiliary classifiers,
with and without BatchNorm, once per seed, and draws how large the gradient of each module was.
Every run is added to the results when it ends, and what is there already is not trained again: the
command may be killed at any moment, and given once more goes on where it was.
"""

import statistics
from itertools import product
from pathlib import Path
from typing import Any

import timm
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from series import PLAIN, Row, add, curves, fit, open_frame, parse, plot_mean_and_range, read, select
from timm.models import generate_default_cfgs
from torch import nn
from torch.optim import Optimizer

from posture_classifier.models.backbones.base import register_variant
from posture_classifier.models.backbones.googlenet import AUXILIARY, CONFIG, INCEPTIONS, ConvNorm
from posture_classifier.utils.tables import read_rows

MODULES = ("conv1", "conv2", "conv3", *INCEPTIONS)
PANELS = {"googlenet_without_norm": "without BatchNorm", "googlenet": "with BatchNorm"}
LINES = {"with": ("#31688e", "-"), "without": ("#35b779", "--")}
RECIPE = (
    # The paper's SGD with momentum. Warm-up and cosine share the only epoch: the rate goes up to a
    # quarter of its peak and back to 0.
    *("--model.optimizer", "sgd", "--model.learning_rate", "0.01", "--model.weight_decay", "1e-4", "--model.image_size", "64"),
    *("--data.batch_size", "32", "--unfreezing.warmup_epochs", "1", "--trainer.max_epochs", "1"),
)


default_cfgs = generate_default_cfgs({"googlenet_without_norm": CONFIG})


def create_without_norm(pretrained: bool = False, **kwargs: Any) -> nn.Module:
    """GoogLeNet as before BatchNorm: convolutions with a bias, drawn as in Caffe's replication.

    Source: BVLC's ``bvlc_googlenet``: weights uniform with variance 1 / fan-in, where the authors
    had a normal distribution of a width that the paper does not state, and biases of 0.2.
    """
    network: nn.Module = timm.create_model("googlenet", pretrained=pretrained, **kwargs)
    for layer in network.modules():
        if isinstance(layer, ConvNorm):
            layer.set_submodule("bn", nn.Identity())
            nn.init.kaiming_uniform_(layer.conv.weight, nonlinearity="linear")
            layer.conv.bias = nn.Parameter(torch.full_like(layer.conv.weight[:, 0, 0, 0], 0.2))
    return network


register_variant("googlenet_without_norm", create_without_norm, module=__name__)


class GradientNorms(Callback):
    """Logs ``gradient/<module>``: the L2 norm of its gradient, as a mean over the epoch's steps.

    Args:
        auxiliary: Whether the auxiliary classifiers speak; in evaluation mode they do not.
    """

    def __init__(self, auxiliary: bool) -> None:
        self._auxiliary = auxiliary

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: object, batch_idx: int) -> None:
        """Silence the auxiliary classifiers."""
        for name in AUXILIARY.values():
            pl_module.get_submodule(f"backbone.{name}").train(self._auxiliary)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Called between the backward pass and the step."""
        for name in MODULES:
            parameters = pl_module.get_submodule(f"backbone.{name}").parameters()
            norm = torch.stack([parameter.grad.norm() for parameter in parameters if parameter.grad is not None]).norm()
            pl_module.log(f"gradient/{name}", norm, on_step=False, on_epoch=True, batch_size=1)


def train(network: str, auxiliary: str, seed: int, folder: Path, results: Path) -> None:
    """Train for one epoch, unless the results have it, and add a row for each module."""
    key = {"network": network, "auxiliary": auxiliary, "seed": seed}
    if select(read(results), **key):
        return
    class_path = f"{GradientNorms.__module__}.{GradientNorms.__name__}"
    callback = f"{{class_path: {class_path}, init_args: {{auxiliary: {str(auxiliary == 'with').lower()}}}}}"
    run = fit(
        f"auxiliary_{network}_{auxiliary}_seed{seed}",
        [
            *("--data.root", str(folder), "--model.backbone", network, "--seed_everything", str(seed)),
            *("--trainer.callbacks", f"[{callback}]", *PLAIN, *RECIPE),
        ],
    )
    [epoch] = read_rows(run / "metrics.csv")
    add(results, [key | {"module": name, "gradient": epoch[f"gradient/{name}"], "seconds": epoch["seconds"]} for name in MODULES])
    print(f"{network} {auxiliary} auxiliary classifiers, seed {seed}: {epoch['seconds']} s", flush=True)


def norms(rows: list[Row], network: str, auxiliary: str) -> list[list[float]]:
    """The norms by module, a list for each seed."""
    return curves(select(rows, network=network, auxiliary=auxiliary), "gradient")


def report(rows: list[Row]) -> None:
    """Print how many times as large each module's gradient is with the auxiliary classifiers."""
    for network, (index, module) in product(PANELS, enumerate(MODULES)):
        silent, speaking = ([seed[index] for seed in norms(rows, network, auxiliary)] for auxiliary in ("without", "with"))
        ratios = [after / before for before, after in zip(silent, speaking, strict=True)]
        print(
            f"{network} {module}: {statistics.mean(silent):.3g} without, {statistics.mean(speaking):.3g} with, "
            f"{statistics.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times as large"
        )


def draw(rows: list[Row], path: Path) -> None:
    """Plot gradient norms by depth: mean and range over seeds."""
    picture = Figure(figsize=(8, 4.2), layout="constrained")
    panels = picture.subplots(1, 2, sharex=True, sharey=True)
    for axes, (network, title) in zip(panels, PANELS.items(), strict=True):
        for auxiliary, (colour, style) in LINES.items():
            label = f"{auxiliary} auxiliary classifiers"
            plot_mean_and_range(axes, range(len(MODULES)), norms(rows, network, auxiliary), colour, label, style)
        for module, name in AUXILIARY.items():
            axes.axvline(MODULES.index(module), color="#666666", linewidth=1, linestyle=":")
            axes.annotate(
                name, (MODULES.index(module), 1), xycoords=("data", "axes fraction"), ha="center", va="top", backgroundcolor="white"
            )
        axes.set_title(title, fontsize=10)
        axes.set_xticks(range(len(MODULES)), [name.replace("inception", "") for name in MODULES], rotation=45)
        axes.set(xlabel="module, from input to output", yscale="log")
        open_frame(axes)
    panels[0].set_ylim(top=4 * panels[0].get_ylim()[1])  # room for the names above the lines
    panels[0].set_ylabel("L2 norm of the gradient")
    panels[1].legend(framealpha=1, edgecolor="none", title="mean and range over seeds")
    picture.savefig(path, dpi=160)


if __name__ == "__main__":
    arguments = parse(__doc__, "auxiliary")
    for seed, network, auxiliary in product(arguments.seeds, PANELS, LINES):
        train(network, auxiliary, seed, arguments.folder, arguments.results)
    report(read(arguments.results))
    draw(read(arguments.results), arguments.output)
