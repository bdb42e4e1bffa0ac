"""Reads weight files of Lightning, timm, torchvision and others, and notices changed bits."""

import hashlib
import re
import zipfile
from argparse import Namespace
from base64 import urlsafe_b64decode
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from shlex import quote
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from posture_classifier.models.checkpoint import load_plain
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.text import first_line

STATES = ("state_dict", "model_state_dict", "model")
"""Where the checkpoints of Lightning and timm, of torch's tutorials, and of torchvision hold the
weights."""

IN_NAME = re.compile(r"-(?=\d*[a-f])([0-9a-f]{8,64})\.(pth|pt)")
"""Ending of the names that torchvision gives its files: the first digits of their SHA-256. Eight
figures without a letter may be a date."""


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


def check_packaged(package: str, file: Path) -> None:
    """Compare a file with the digest that the package's installer has noted in ``RECORD``.

    Raises:
        UserError: The file has changed since it was installed.
    """
    try:
        entries = distribution(package).files or []
    except PackageNotFoundError:  # a copy without the installer's notes
        return
    noted = next((entry.hash for entry in entries if entry.name == file.name and entry.hash), None)
    if noted and noted.mode == "sha256":
        expected = urlsafe_b64decode(noted.value + "=" * (-len(noted.value) % 4)).hex()
        _check_digest(file, expected, f"pip install --force-reinstall --no-deps {package.replace('_', '-')}")


def check_fetched(file: Path) -> None:
    """Compare a file that a hub's client has cached with the digest in its name, if there is one.

    The Hugging Face hub's client names what it has fetched by its SHA-256, behind a link.

    Raises:
        UserError: The file has changed since it was fetched.
    """
    blob = file.resolve()
    if re.fullmatch("[0-9a-f]{64}", blob.name):
        _check_digest(blob, blob.name, f"remove {blob}, to have it fetched again")
    else:
        check_named(blob)


def check_named(file: Path) -> None:
    """Compare a file such as ``resnet18-f37072fd.pth`` with the digits in its name, if it has any.

    Raises:
        UserError: The content is not the one that the file is named after.
    """
    if (match := IN_NAME.search(file.name)) and file.is_file():
        _check_digest(file, match[1], "fetch it again or, if it is a file of your own, give it a name without these digits")


def _check_digest(file: Path, expected: str, remedy: str) -> None:
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(expected):
        raise UserError(
            f"weights {file} are damaged: they should have the SHA-256 {expected[:8]}..., but have {found[:8]}...; {remedy}"
        )
