"""Reads weight files that people have: of Lightning, timm, torchvision and others."""

import zipfile
from argparse import Namespace
from pathlib import Path
from shlex import quote
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from posture_classifier.models.checkpoint import load_plain
from posture_classifier.models.weight_digests import check_named
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

STATES = ("state_dict", "model_state_dict", "model")
"""Where the checkpoints of Lightning and timm, of torch's tutorials, and of torchvision hold the
weights."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a weight file by their names in it; nothing in the file is executed.

    Raises:
        UserError: The file cannot be read safely, or holds no named tensors.
    """
    check_named(path)
    if _is_torchscript(path):
        raise UserError(
            f"model.weights {path} is a TorchScript file, a program with weights in it; give the weights alone: "
            f"""python -c {quote(f'import torch; torch.save(torch.jit.load({str(path)!r}, "cpu").state_dict(), "weights.pth")')}"""
        )
    try:
        # The trainings of timm and torchvision write their options beside the weights.
        state: Any = load_file(path) if path.suffix == ".safetensors" else load_plain(path, allowed=[Namespace])
    except (OSError, SafetensorError) as error:
        raise UserError(f"model.weights {path} cannot be read: {first_line(error)}") from error
    for key in STATES:
        state = state[key] if isinstance(state, dict) and isinstance(state.get(key), dict) else state
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise UserError(f"model.weights {path} holds no named tensors; give a state_dict")
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}


def _is_torchscript(path: Path) -> bool:
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False
