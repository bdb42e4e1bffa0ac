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

    from posture_classifier.costs.accuracies import Accuracy

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
    "training_only_parameters",
    "multiply_adds",
    "activations",
    "bytes_on_disk",
    "inference_bytes",
    "batch_size",
    "batch_inference_bytes",
    "training_bytes",
    "training_bytes_per_photo",
    "weights",
    "device",
    "latency_median_ms",
    "latency_p95_ms",
    "ms_per_photo",
    "photos_per_second",
    "gpu_peak_bytes",
    "watts",
    "joules_per_photo",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "top5",
    "accuracy_source",
    "error",
]
"""Columns of the written table; memory in bytes, times in milliseconds.

A row is a network in batches of one size.
"""
IMAGENET = "imagenet"
"""Value of ``--accuracy`` for published ones."""


def backbones(
    patterns: Sequence[str] = (),
    measure: bool = False,
    image_size: int | None = None,
    batch_size: str = "32",
    device: str | None = None,
    accuracy: str | None = None,
    output: Path | None = None,
    plot: Path | None = None,
    figure: str | None = None,
    overwrite: bool = False,
) -> int:
    """List networks with their costs: parameters, multiply-adds (one is two FLOPs), memory, speed.

    Args:
        patterns: Names such as resnet18 or 'vgg1[69]*'; '*' is all; by default some of each family.
        measure: Time each network on this device, too: some four seconds each, longer for large
            ones.
        image_size: Side of the input in pixels; by default each network's own.
        batch_size: Photos in a batch, for training memory and throughput; several with commas
            between them, such as 1,2,4,8, are compared.
        device: Where to measure: cpu, cuda or mps; by default a GPU if there is one.
        accuracy: A .csv file with columns name, accuracy, low and high; run folders such as
            'lightning_logs/*/version_*'; or imagenet: what torchvision publishes of its weights.
        output: A .csv or .jsonl file to write: all figures, in bytes and single operations.
        plot: A .png, .svg or .pdf file to draw: accuracy, or else the measured throughput, against
            multiply-adds.
        figure: What to draw instead, after Canziani et al. 2016; several with commas between them
            are files of that name, _ and the figure. accuracy or throughput against multiply-adds;
            batch (time), memory or power against batch sizes; operations or energy: multiply-adds
            against time or joules; speed: accuracy against photos per second; density: accuracy for
            each parameter.
        overwrite: Replace the output and the plot if they exist.

    Returns:
        Exit code: 1 if a network could not be built or does not take the size, else 0.
    """
    from posture_classifier.costs.figures import choose_figures, figure_files, needs_power

    batch_sizes = _batch_sizes(batch_size)
    _check_image_size(image_size, accuracy)
    if figure is not None and plot is None:
        raise UserError(f"--figure {figure} needs a file to draw in; add --plot costs.png")
    files = figure_files(choose_figures(figure, measure, bool(accuracy), len(batch_sizes)), plot) if plot else {}
    check_output_file("--output", output, TABLE_SUFFIXES, overwrite)
    for file in files.values():
        check_output_file("--plot", file, PICTURE_SUFFIXES, overwrite)
    # Imported late: a wrong option should not cost the seconds that torch takes.
    from posture_classifier.costs.latency import check_power
    from posture_classifier.utils.device import choose_device

    chosen_device = choose_device(device) if measure else None
    if chosen_device and needs_power(list(files)):
        check_power(chosen_device)
    return _report(_count(list(patterns), accuracy, image_size, batch_sizes, chosen_device, output), output, files)


def _count(
    patterns: list[str],
    accuracy: str | None,
    image_size: int | None,
    batch_sizes: list[int],
    device: "torch.device | None",
    output: Path | None,
) -> list[dict[str, Any]]:
    """The rows of all networks, the cheapest first; if it is stopped, those so far are written."""
    names, accuracies = _names_and_accuracies(patterns, accuracy)
    rows: list[dict[str, Any]] = []
    with at_stop(rows_so_far(rows, COLUMNS, output, of=plural(len(names) * len(batch_sizes), "row"))):
        for name in track(names, "Counting", console=terminal(), transient=True):
            known = accuracies.get(name)
            size = known.image_size if known and known.image_size else image_size
            rows += [row | _accuracy_columns(known) for row in _rows(name, size, batch_sizes, device)]
    rows.sort(key=lambda row: (row["error"] is not None, row["multiply_adds"] or 0, row["name"], row["batch_size"]))
    return rows


def _check_image_size(image_size: int | None, accuracy: str | None) -> None:
    if image_size is not None and image_size < 1:
        raise UserError(f"--image_size is {image_size}, but must be at least 1")
    if image_size is not None and accuracy == IMAGENET:
        raise UserError("--accuracy imagenet was measured at one size for each network, which is used; leave --image_size out")


def _batch_sizes(text: str) -> list[int]:
    """Read one or several batch sizes, in order, each once."""
    try:
        sizes = sorted({int(number) for number in text.strip("[] ").split(",")})
    except ValueError as error:
        raise UserError(f"--batch_size is {text}; give a number, or several such as 1,2,4,8") from error
    if sizes[0] < 1:
        raise UserError(f"--batch_size is {sizes[0]}, but must be at least 1")
    return sizes


def _names_and_accuracies(patterns: list[str], accuracy: str | None) -> "tuple[list[str], dict[str, Accuracy]]":
    """The networks, which accuracies choose where patterns do not, and what is known of them."""
    if not accuracy:
        return _select(patterns), {}
    from posture_classifier.costs.accuracies import published_accuracies, read_accuracies

    if accuracy == IMAGENET:
        names = _select(patterns)
        accuracies, others = published_accuracies(names), list(published_accuracies(DEFAULT_NETWORKS))
    else:
        accuracies = read_accuracies(accuracy)
        names, others = _select(patterns or list(accuracies)), sorted(accuracies)
    without = [name for name in names if name not in accuracies]
    if len(without) == len(names):
        raise UserError(f"--accuracy {accuracy} knows none of these networks, but {shortlist(others)}")
    if without:
        known = len(names) - len(without)
        say(f"--accuracy {accuracy} knows {known} of {plural(len(names), 'network')}, but not {shortlist(without)}")
    return names, accuracies


def _accuracy_columns(known: "Accuracy | None") -> dict[str, Any]:
    if known is None:
        return {}
    return {
        "accuracy": known.value,
        "accuracy_low": known.low,
        "accuracy_high": known.high,
        "top5": known.top5,
        "accuracy_source": known.source,
    }


def _report(rows: list[dict[str, Any]], output: Path | None, files: dict[str, Path]) -> int:
    from posture_classifier.costs.table import batch_tables, cost_table

    say(cost_table(rows, terminal().width), *batch_tables(rows))
    if output is not None:
        write_rows(rows, COLUMNS, output)
        say(f"{plural(len(rows), 'row')} written to {output}")
    if files:
        from posture_classifier.costs.plot import draw_figure
    for name, file in files.items():
        drawn = draw_figure(name, rows, file)
        say(f"{plural(drawn, 'network')} drawn in {file}" if drawn else f"no network could be drawn in {file}")
    names = {row["name"] for row in rows}
    failed = {row["name"] for row in rows if row["error"]}
    if failed:
        say(f"{len(failed)} of {plural(len(names), 'network')} failed", style="red")
    return 1 if failed else 0


def _select(patterns: list[str]) -> list[str]:
    """List the networks that patterns match, each once; without a pattern, a few of each family."""
    import timm

    from posture_classifier.costs.families import smallest_of_ours
    from posture_classifier.models.weights import nearest_names, why_no_network

    if not patterns:
        return [name for name in [*smallest_of_ours(2), *DEFAULT_NETWORKS] if timm.is_model(name)]
    found: dict[str, None] = {}
    for pattern in patterns:
        # A name may say with which weights, as in resnet18.a1_in1k.
        names = [pattern] if timm.is_model(pattern) else timm.list_models(pattern)
        if pattern in names and (reason := why_no_network(pattern)):
            raise UserError(f"no network is called {pattern}{reason}")
        if not names:
            raise UserError(f"no network is called {pattern}{nearest_names(pattern.strip('*?'))}; '*' lists all of them")
        found |= dict.fromkeys(names)
    return list(found)


def _rows(name: str, image_size: int | None, batch_sizes: list[int], device: "torch.device | None") -> list[dict[str, Any]]:
    """Compute a network's row for each batch size; where that fails, ``error`` has the reason."""
    from posture_classifier.costs.families import family
    from posture_classifier.costs.latency import measure_batches
    from posture_classifier.costs.operations import count_batches
    from posture_classifier.models.weights import weights_location

    rows: list[dict[str, Any]] = [dict.fromkeys(COLUMNS) | {"name": name, "batch_size": size} for size in batch_sizes]
    try:
        known = {"weights": weights_location(name)} | dict(zip(("family", "year"), family(name), strict=True))
        rows = [row | known for row in rows]
        rows = [row | asdict(costs) for row, costs in zip(rows, count_batches(name, image_size, batch_sizes), strict=True)]
        if device is not None:
            speeds = measure_batches(name, image_size, batch_sizes, device)
            rows = [row | asdict(speed) for row, speed in zip(rows, speeds, strict=True)]
    # Networks say in every kind of exception that they cannot take a size, and the others should
    # still be listed.
    except Exception as error:
        rows = [row | {"error": first_line(error)} for row in rows]
    return rows
