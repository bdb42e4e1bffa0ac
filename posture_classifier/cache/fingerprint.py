"""Names for what a cached value was computed from: its inputs, and the code that computes it."""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor


@cache
def code_version(modules: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """A name for what decides what these modules compute: their code, and the versions of these packages.

    Args:
        modules: Such as ``images/decode``, or ``models/backbones/*`` for all that are there.
        packages: As pip calls them.

    Raises:
        ValueError: A pattern matches no module, as after a renaming: what is cached would outlive a change of that code.
    """
    package = Path(__file__).parents[1]
    files = {module: sorted(package.glob(f"{module}.py")) for module in modules}
    if missing := [module for module, found in files.items() if not found]:
        raise ValueError(f"no module of {package.name} matches {', '.join(missing)}; name the modules that decide what is cached")
    code = [path.read_bytes() for found in files.values() for path in found]
    versions = [f"{name} {_version(name)}".encode() for name in packages]
    return hashlib.blake2b(b"".join([*code, *versions]), digest_size=16).hexdigest()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # as where opencv was installed under another of its names
        return "none"


def fingerprint(*parts: Any) -> str:
    """A name for content: 32 hexadecimal digits of the BLAKE2b digest of plain values, arrays and tensors."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = _bytes(part)
        digest.update(len(content).to_bytes(8))  # or else (1, 2) would be (12,)
        digest.update(content)
    return digest.hexdigest()


def _bytes(part: Any) -> Any:
    if isinstance(part, Tensor):
        return part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return part if isinstance(part, np.ndarray) else json.dumps(part, sort_keys=True).encode()
