"""What the 1x1 reductions of GoogLeNet save, and what the network costs beside AlexNet.

    python benchmarks/inception.py

Prints three Markdown tables: the multiply-adds of every Inception module of ``googlenet_naive``
(Szegedy et al. 2014, figure 2a) and ``googlenet`` (figure 2b), those of a 5x5 convolution with and
without a 1x1 convolution before it, and both networks' costs. They are counted, not timed: the
tables are the same on every machine.
"""

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from posture_classifier.costs.operations import build_network, forward_costs, input_shape

META = torch.device("meta")
"""Networks are built here: shapes without values."""


def modules_table() -> list[str]:
    """The Inception modules at 224 px, in millions; the last line is of the whole network."""
    naive, reduced = (multiply_adds(name) for name in ("googlenet_naive", "googlenet"))
    wide, narrow = (input_channels(name) for name in ("googlenet_naive", "googlenet"))
    lines = [
        "| module | channels in, naive | channels in | mult-adds M, naive | mult-adds M | ratio |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for part in (*narrow, "all"):
        channels = f"{wide[part]:,} | {narrow[part]:,}" if part in narrow else " | "
        figures = f"{naive[part] / 1e6:,.1f} | {reduced[part] / 1e6:,.1f} | {naive[part] / reduced[part]:.1f}"
        lines.append(f"| {part.removeprefix('inception') if part in narrow else 'whole network'} | {channels} | {figures} |")
    return lines


def multiply_adds(name: str) -> dict[str, int]:
    """Multiply-adds (2 FLOPs) of one photo by direct child of the network, and ``all``."""
    network = build_network(name, None, META).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(input_shape(name, None), device=META))
    flops = {path: sum(operations.values()) // 2 for path, operations in counter.get_flop_counts().items()}
    parts = [part for part, _ in network.named_children()]
    return {part: flops[path] for part in parts if (path := f"{type(network).__name__}.{part}") in flops} | {"all": flops["Global"]}


def input_channels(name: str) -> dict[str, int]:
    """Number of channels that each Inception module is given."""
    modules = build_network(name, None, META).named_children()
    return {part: module.get_parameter("branch1.conv.weight").shape[1] for part, module in modules if part.startswith("inception")}


def reduction_table() -> list[str]:
    """A 5x5 convolution from 200 to 32 channels on 32x32 positions, in millions."""
    with META:
        reduction = nn.Conv2d(200, 16, 1)
        wide, narrow = (nn.Conv2d(channels, 32, 5, padding=2) for channels in (200, 16))
    rows = {
        "5x5 from 200 to 32 channels": (wide, 200),
        "1x1 from 200 to 16 channels": (reduction, 200),
        "5x5 from 16 to 32 channels": (narrow, 16),
        "the last two together": (nn.Sequential(reduction, narrow), 200),
    }
    counts = {row: forward_costs(layer, (1, channels, 32, 32)).multiply_adds for row, (layer, channels) in rows.items()}
    lines = [f"| {row} | {count:,} | {count / 1e6:.1f} |" for row, count in counts.items()]
    return ["| convolution on 32x32 positions | multiply-adds | M |", "|---|---:|---:|", *lines]


def networks_table() -> list[str]:
    """AlexNet and GoogLeNet, which evaluates without its auxiliary classifiers."""
    lines = ["| network | input px | multiply-adds G | parameters M |", "|---|---:|---:|---:|"]
    for name in ("alexnet_two_groups", "alexnet", "googlenet"):
        shape = input_shape(name, None)
        costs = forward_costs(build_network(name, None, META), shape)
        lines.append(f"| `{name}` | {shape[-1]} | {costs.multiply_adds / 1e9:.2f} | {costs.parameters / 1e6:.1f} |")
    return lines


if __name__ == "__main__":
    print("\n\n".join("\n".join(table()) for table in (modules_table, reduction_table, networks_table)))
