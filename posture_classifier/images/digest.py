"""A photo's identity: the digest of its bytes, whatever it is called and wherever it lies."""

import hashlib
import os
from pathlib import Path


def digest(path: str | Path) -> int:
    """Return the 64-bit BLAKE2b digest of a file's bytes as a signed integer."""
    with open(path, "rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digest_or_zero(path: str | Path) -> int:
    """Return the digest of a file, or 0 where it cannot be read, which decoding it will report."""
    try:
        return digest(path) if os.path.isfile(path) else 0  # reading a pipe would wait for ever
    except OSError:
        return 0
