"""Which device to compute on."""

import torch

from posture_classifier.utils.errors import UserError


def choose_device(name: str | None = None) -> torch.device:
    """A device of this machine; None takes a GPU if there is one.

    Raises:
        UserError: There is no such device.
    """
    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    # torch says so in three ways, depending on what it was built with.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise UserError(f"device {name} is not to be had on this machine; leave it out, or use cpu") from error


def device_name(device: torch.device) -> str:
    """A GPU's name, or the CPU's number of threads."""
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    if device.type != "cpu":
        return device.type
    threads = torch.get_num_threads()
    return f"cpu, {threads} thread{'s' if threads > 1 else ''}"
