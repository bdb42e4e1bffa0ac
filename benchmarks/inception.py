"""What the 1x1 reductions of GoogLeNet save, module by module.

    python benchmarks/inception.py [--image_size 224]

Prints the multiply-adds of every Inception module of ``googlenet_naive`` (Szegedy et al. 2014,
figure 2a) and ``googlenet`` (figure 2b) as a Markdown table. They are counted, not timed: the table
is the same on every machine.
"""

import argparse

import timm
import torch
from torch.utils.flop_counter import FlopCounterMode

import posture_classifier.models.backbones  # noqa: F401 - registers our architectures with timm


def multiply_adds(name: str, image_size: int) -> dict[str, int]:
    """Multiply-adds (2 FLOPs) of one photo by direct child of the network, and ``all``."""
    with torch.device("meta"):
        network = timm.create_model(name).eval()
        images = torch.empty(1, 3, image_size, image_size)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(images)
    flops = {path: sum(operations.values()) // 2 for path, operations in counter.get_flop_counts().items()}
    parts = [part for part, _ in network.named_children()]
    return {part: flops[path] for part in parts if (path := f"{type(network).__name__}.{part}") in flops} | {"all": flops["Global"]}


def input_channels(name: str) -> dict[str, int]:
    """Number of channels that each Inception module is given."""
    with torch.device("meta"):
        network = timm.create_model(name)
    return {part: module.branch1.conv.in_channels for part, module in network.named_children() if part.startswith("inception")}


def table(image_size: int) -> list[str]:
    """Lines of Markdown, in millions; the last one is of the whole network."""
    naive, reduced = (multiply_adds(name, image_size) for name in ("googlenet_naive", "googlenet"))
    wide, narrow = (input_channels(name) for name in ("googlenet_naive", "googlenet"))
    lines = [
        "| module | channels in, naive | channels in | mult-adds M, naive | mult-adds M | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for part in (*narrow, "all"):
        channels = f"{wide[part]:,} | {narrow[part]:,}" if part in narrow else " | "
        figures = f"{naive[part] / 1e6:,.1f} | {reduced[part] / 1e6:,.1f} | {naive[part] / reduced[part]:.1f}"
        lines.append(f"| {part.removeprefix('inception') if part in narrow else 'whole network'} | {channels} | {figures} |")
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--image_size", type=int, default=224)
    print("\n".join(table(parser.parse_args().image_size)))
