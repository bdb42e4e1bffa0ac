"""What a photo is, whatever it is called and wherever it lies."""

import hashlib
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.parallel import in_threads


def digest(path: str | Path) -> int:
    """64-bit BLAKE2b of the file's bytes, as a signed integer."""
    with open(path, "rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digests(photos: Photos) -> npt.NDArray[np.int64]:
    """(N,) digests of all photos; 0 of what is no file that can be read, which decoding it will name."""
    files = map(photos.file, range(len(photos)))
    return np.fromiter(in_threads(_digest_if_file, files), dtype=np.int64, count=len(photos))


def _digest_if_file(path: str) -> int:
    try:
        return digest(path) if os.path.isfile(path) else 0  # a pipe would be waited for
    except OSError:
        return 0
