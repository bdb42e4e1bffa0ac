"""A photo's identity: the digest of its bytes, whatever it is called and wherever it lies."""

import hashlib
from pathlib import Path


def digest(path: str | Path) -> int:
    """64-bit BLAKE2b of the file's bytes, as a signed integer."""
    with open(path, "rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return int.from_bytes(hashed.digest(), "big", signed=True)
