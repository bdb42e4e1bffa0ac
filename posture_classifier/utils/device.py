"""Chooses and names the device to compute on."""

import torch

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import plural


def choose_device(name: str | None = None) -> torch.device:
    """A device of this machine.

    Args:
        name: Such as ``cpu`` or ``cuda:1``; None is a GPU if there is one, or else the CPU.

    Raises:
        UserError: There is no such device.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    # Which one torch raises depends on what it was built with.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device {name} is not available on this machine; leave it out, or use cpu") from error


def device_name(device: torch.device) -> str:
    """A GPU's name, or the CPU's number of threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type != "cpu":
        return device.type
    return f"cpu, {plural(torch.get_num_threads(), 'thread')}"
