"""Hashes of what a cached value was computed from: its inputs, and the code that computes it."""

import hashlib
import json
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np


@cache
def code_version(modules: tuple[str, ...], packages: tuple[str, ...]) -> str:
    """Hash the code of modules and the versions of packages, which decide what is computed.

    Args:
        modules: Modules of this package, such as ``images/decode``, or ``models/backbones/*`` for a
            whole folder.
        packages: Names of packages on PyPI.

    Raises:
        ValueError: A pattern matches no module, as after a renaming; cached values would survive a
            change of that code.
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
    """Hash plain values, arrays and tensors (BLAKE2b, 32 hexadecimal digits)."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        content = _bytes(part)
        digest.update(len(content).to_bytes(8))  # or else (1, 2) would hash like (12,)
        digest.update(content)
    return digest.hexdigest()


def _bytes(part: Any) -> Any:
    import torch  # late: ``check`` asks for the version of its code, and does without torch

    if isinstance(part, torch.Tensor):
        return part.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy()
    return part if isinstance(part, np.ndarray) else json.dumps(part, sort_keys=True).encode()
