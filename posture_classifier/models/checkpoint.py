"""Reads checkpoints without executing anything in them."""

import pickle
from pathlib import Path
from typing import Any

import torch

from posture_classifier.utils.errors import UserError

MARK = "posture_classifier"
"""Key of our checkpoints; its value is the version of the program that wrote the file."""


def load_plain(path: str | Path) -> Any:
    """``torch.load`` to the CPU of tensors and plain values only; nothing in the file is executed.

    Raises:
        UserError: The file is missing, damaged, or holds other objects.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist") from error
    except pickle.UnpicklingError as error:
        raise UserError(
            f"{path} is damaged, or holds objects other than tensors and plain values, which could run code when loaded; "
            "it was refused and nothing of it was executed"
        ) from error
    # On bytes that are no checkpoint torch's reader raises EOFError, RuntimeError, IndexError,
    # KeyError ...
    except Exception as error:
        raise UserError(f"{path} cannot be read; it is damaged or not a checkpoint") from error


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Load a checkpoint that this program wrote.

    Example:
        >>> sorted(read_checkpoint("best.ckpt")["hyper_parameters"]["class_names"])
        ['left', 'right']

    Raises:
        UserError: The file cannot be loaded safely, or was written by another program.
    """
    checkpoint = load_plain(path)
    if not isinstance(checkpoint, dict) or MARK not in checkpoint:
        raise UserError(f"checkpoint {path} was not written by this program; give a .ckpt of one of its runs")
    return checkpoint
