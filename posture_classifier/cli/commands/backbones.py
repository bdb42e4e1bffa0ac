"""``backbones``: what every network costs, before one is trained."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import track

from posture_classifier.utils.console import say, terminal
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.files import PICTURE_SUFFIXES, TABLE_SUFFIXES, check_output_file
from posture_classifier.utils.stopping import at_stop
from posture_classifier.utils.tables import rows_so_far, write_rows
from posture_classifier.utils.text import first_line, plural, shortlist

if TYPE_CHECKING:
    import torch


DEFAULT_NETWORKS = [
    "vgg11",
    "vgg16",
    "inception_v3",
    "inception_v4",
    "resnet18",
    "resnet34",
    "resnet50",
    "densenet121",
    "densenet169",
    "legacy_xception",
    "seresnet18",
    "seresnet50",
    "mobilenetv1_100",
    "mobilenetv2_100",
    "mobilenetv3_small_100",
    "mobilenetv3_large_100",
    "mobilenetv4_conv_small",
    "tf_efficientnet_lite0",
    "efficientnet_b0",
    "efficientnet_b1",
    "regnety_002",
    "regnety_004",
    "vit_tiny_patch16_224",
    "vit_small_patch16_224",
    "swin_tiny_patch4_window7_224",
    "convnext_atto",
    "convnext_tiny",
]
"""The smallest of timm's well-known families, listed by default with two of each file of ours."""
COLUMNS = [
    "name",
    "family",
    "year",
    "image_size",
    "parameters",
    "multiply_adds",
    "activations",
    "bytes_on_disk",
    "inference_bytes",
    "batch_size",
    "training_bytes",
    "training_bytes_per_photo",
    "weights",
    "device",
    "latency_median_ms",
    "latency_p95_ms",
    "photos_per_second",
    "gpu_peak_bytes",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "error",
]
"""Columns of the written table; memory in bytes, times in milliseconds."""


def backbones(
    patterns: Sequence[str] = (),
    measure: bool = False,
    image_size: int | None = None,
    batch_size: int = 32,
    device: str | None = None,
    accuracy: str | None = None,
    output: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
) -> int:
    """List networks with their costs: parameters, multiply-adds (one is two FLOPs), memory, speed.

    Args:
        patterns: Names such as resnet18 or 'vgg1[69]*'; '*' is all; by default some of each family.
        measure: Time each network on this device, too: some four seconds each, longer for large
            ones.
        image_size: Side of the input in pixels; by default each network's own.
        batch_size: Photos in a batch, for training memory and throughput.
        device: Where to measure: cpu, cuda or mps; by default a GPU if there is one.
        accuracy: A .csv file with columns name, accuracy, low and high, or run folders such as
            'lightning_logs/*/version_*'.
        output: A .csv or .jsonl file to write: all figures, in bytes and single operations.
        plot: A .png, .svg or .pdf file to draw: accuracy, or else the measured throughput, against
            multiply-adds.
        overwrite: Replace the output and the plot if they exist.

    Returns:
        Exit code: 1 if a network could not be built or does not take the size, else 0.
    """
    for option, value in (("image_size", image_size), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise UserError(f"--{option} is {value}, but must be at least 1")
    if plot is not None and not (measure or accuracy):
        raise UserError("--plot needs something to draw against the multiply-adds; add --measure, or accuracies with --accuracy")
    check_output_file("--output", output, TABLE_SUFFIXES, overwrite)
    check_output_file("--plot", plot, PICTURE_SUFFIXES, overwrite)
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.costs.accuracies import read_accuracies
    from posture_classifier.utils.device import choose_device

    chosen_device = choose_device(device) if measure else None
    accuracies = read_accuracies(accuracy) if accuracy else {}
    names = _select(list(patterns) or list(accuracies))
    if accuracies and not accuracies.keys() & set(names):
        raise UserError(f"--accuracy {accuracy} knows none of these networks, but {shortlist(sorted(accuracies))}")
    rows: list[dict[str, Any]] = []
    with at_stop(rows_so_far(rows, COLUMNS, output, of=plural(len(names), "network"))):
        for name in track(names, "Counting", console=terminal(), transient=True):
            rows.append(_row(name, image_size, batch_size, chosen_device))  # noqa: PERF401 - read when it is stopped, too
    for row in rows:
        if known := accuracies.get(row["name"]):
            row.update(accuracy=known.value, accuracy_low=known.low, accuracy_high=known.high)
    rows.sort(key=lambda row: (row["error"] is not None, row["multiply_adds"] or 0, row["name"]))
    return _report(rows, output, plot)


def _report(rows: list[dict[str, Any]], output: Path | None, plot: Path | None) -> int:
    from posture_classifier.costs.table import cost_table

    say(cost_table(rows, terminal().width))
    if output is not None:
        write_rows(rows, COLUMNS, output)
        say(f"{plural(len(rows), 'row')} written to {output}")
    if plot is not None:
        from posture_classifier.costs.plot import plot_costs

        drawn = plot_costs(rows, plot)
        say(f"{plural(drawn, 'network')} drawn in {plot}" if drawn else "no network could be drawn")
    failed = [row for row in rows if row["error"]]
    if failed:
        say(f"{len(failed)} of {plural(len(rows), 'network')} failed", style="red")
    return 1 if failed else 0


def _select(patterns: list[str]) -> list[str]:
    """List the networks that patterns match, each once; without a pattern, a few of each family."""
    import timm

    from posture_classifier.costs.families import smallest_of_ours
    from posture_classifier.models.weights import nearest_names

    if not patterns:
        return [name for name in [*smallest_of_ours(2), *DEFAULT_NETWORKS] if timm.is_model(name)]
    found: dict[str, None] = {}
    for pattern in patterns:
        # A name may say with which weights, as in resnet18.a1_in1k.
        names = [pattern] if timm.is_model(pattern) else timm.list_models(pattern)
        if not names:
            raise UserError(f"no network is called {pattern}{nearest_names(pattern.strip('*?'))}; '*' lists all of them")
        found |= dict.fromkeys(names)
    return list(found)


def _row(name: str, image_size: int | None, batch_size: int, device: "torch.device | None") -> dict[str, Any]:
    """Compute all columns of a network; where that fails, ``error`` has the reason."""
    from posture_classifier.costs.families import family
    from posture_classifier.costs.latency import measure_speed
    from posture_classifier.costs.operations import count_costs
    from posture_classifier.models.weights import weights_location

    row: dict[str, Any] = dict.fromkeys(COLUMNS) | {"name": name, "batch_size": batch_size}
    try:
        row["family"], row["year"] = family(name)
        row["weights"] = weights_location(name)
        row |= asdict(count_costs(name, image_size, batch_size))
        if device is not None:
            row |= asdict(measure_speed(name, image_size, batch_size, device))
    # Networks say in every kind of exception that they cannot take a size, and the others should
    # still be listed.
    except Exception as error:
        row["error"] = first_line(error)
    return row
