"""How much power a GPU draws while it computes."""

import time
from collections.abc import Callable

import torch

from posture_classifier.utils.errors import UserError

SECONDS = 2.0
"""Seconds of work before each reading: the sensor averages over its last second at most."""
READINGS = 3
"""Readings whose mean is taken."""


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
        while time.perf_counter() - start < SECONDS:
            step()
        readings.append(read_watts(device))
    known = [watts for watts in readings if watts is not None]
    return sum(known) / len(known) if known else None
