"""A photo's identity: the digest of its bytes, whatever it is called and wherever it lies."""

import hashlib
import os
from io import BytesIO
from pathlib import Path

from posture_classifier.images.photo_source import fetch, is_url


def digest(source: str | Path | bytes) -> int:
    """Return the 64-bit BLAKE2b digest of a file's bytes as a signed integer."""
    with BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digest_or_zero(path: str | Path) -> int:
    """Return the digest of a file or URL, or 0 if unreadable, which decoding it will report."""
    if isinstance(path, str) and is_url(path):
        try:
            return digest(fetch(path))
        except Exception:  # each protocol has its own
            return 0
    try:
        return digest(path) if os.path.isfile(path) else 0  # reading a pipe would wait for ever
    except OSError:
        return 0
