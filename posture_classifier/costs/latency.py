"""How fast a network is on one device, and how much of a GPU's memory and power it takes."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from posture_classifier.costs.operations import build_network, input_shape
from posture_classifier.utils.device import device_name
from posture_classifier.utils.errors import UserError

SECONDS = 1.2
"""Seconds for each of latency and throughput, without warm-up.

A batch that takes longer is timed once, a single photo five times.
"""
POWER_SECONDS = 2.0
"""Seconds of work before power is read: the sensor averages over its last second at most."""
READINGS = 3
"""Readings whose mean is taken."""


@dataclass(frozen=True)
class Speed:
    """Speed of a network in fp32, evaluation mode and channels-last.

    Attributes:
        latency_median_ms: Milliseconds from one photo to its logits, both on the device.
        latency_p95_ms: Milliseconds that 19 of 20 such passes took at most.
        ms_per_photo: Milliseconds of a batch, shared by its photos: the median.
        photos_per_second: Throughput in such batches.
        device: Name of the GPU, or number of the CPU's threads.
        gpu_peak_bytes: Peak memory of a batch on a CUDA device, weights included; None elsewhere.
        watts: Power of the whole GPU in such batches; None where it cannot be read.
        joules_per_photo: Energy of a photo in such batches; None where the power is.
    """

    latency_median_ms: float
    latency_p95_ms: float
    ms_per_photo: float
    photos_per_second: float
    device: str
    gpu_peak_bytes: int | None
    watts: float | None
    joules_per_photo: float | None


def measure_batches(name: str, image_size: int | None, batch_sizes: Sequence[int], device: torch.device) -> list[Speed]:
    """Time a network of timm, with random weights, in batches of several sizes.

    Single photos are timed once, for all of them.
    """
    network = build_network(name, image_size, device).eval().to(memory_format=torch.channels_last)
    shape = input_shape(name, image_size)
    latencies = _durations(_forward_pass(network, shape, device), at_least=5)
    return [_speed(network, (batch_size, *shape[1:]), device, latencies) for batch_size in batch_sizes]


def _speed(network: nn.Module, shape: tuple[int, ...], device: torch.device, latencies: list[float]) -> Speed:
    """Speed in batches of ``shape`` (B, C, H, W), beside the seconds of single photos."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    step = _forward_pass(network, shape, device)
    seconds = float(np.median(_durations(step, at_least=1))) / shape[0]
    watts = mean_watts(step, device)
    return Speed(
        latency_median_ms=float(np.median(latencies)) * 1000,
        latency_p95_ms=float(np.quantile(latencies, 0.95)) * 1000,
        ms_per_photo=seconds * 1000,
        photos_per_second=1 / seconds,
        device=device_name(device),
        gpu_peak_bytes=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        watts=watts,
        joules_per_photo=None if watts is None else watts * seconds,
    )


def _forward_pass(network: nn.Module, shape: tuple[int, ...], device: torch.device) -> Callable[[], None]:
    """A function that sends random photos of ``shape`` (B, C, H, W) through the network."""
    images = torch.rand(shape, device=device).contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def step() -> None:
        network(images)
        if device.type != "cpu":  # GPUs compute while Python runs on: only the launch would be timed
            torch.accelerator.synchronize(device)

    return step


def _durations(step: Callable[[], None], at_least: int) -> list[float]:
    """Time steps for ``SECONDS``, after a warm-up of a third of that; seconds of each."""
    _repeat(step, SECONDS / 3, at_least=1)  # kernels are chosen, memory is fetched, clocks go up
    return _repeat(step, SECONDS, at_least)


def _repeat(step: Callable[[], None], seconds: float, at_least: int) -> list[float]:
    durations: list[float] = []
    while sum(durations) < seconds or len(durations) < at_least:
        start = time.perf_counter()
        step()
        durations.append(time.perf_counter() - start)
    return durations


def read_watts(device: torch.device) -> float | None:
    """Read the power that a GPU draws; None where there is nothing to read.

    torch reads NVIDIA's management library (NVML), which needs the package ``nvidia-ml-py``.

    Example:
        >>> read_watts(torch.device("cpu"))
    """
    if device.type != "cuda":
        return None
    try:
        return torch.cuda.power_draw(device) / 1000
    # The package may be missing, the driver another's, or the GPU without a sensor: each says so in
    # an exception of its own.
    except Exception:
        return None


def check_power(device: torch.device) -> None:
    """Check, before the work rather than after it, that a device's power can be read.

    Raises:
        UserError: It cannot.
    """
    if read_watts(device) is None:
        raise UserError(
            f"the power of device {device} cannot be read; measure on an NVIDIA GPU, with pip install nvidia-ml-py, or draw "
            "another --figure than power and energy"
        )


def mean_watts(step: Callable[[], None], device: torch.device) -> float | None:
    """Watts of the whole GPU while a step is repeated, idle power included.

    The step returns when its work is done. None where there is nothing to read.
    """
    if read_watts(device) is None:
        return None
    readings = []
    for _ in range(READINGS):
        start = time.perf_counter()
        while time.perf_counter() - start < POWER_SECONDS:
            step()
        readings.append(read_watts(device))
    known = [watts for watts in readings if watts is not None]
    return sum(known) / len(known) if known else None
