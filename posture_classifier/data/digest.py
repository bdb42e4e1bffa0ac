"""What a photo is, whatever it is called and wherever it lies."""

import hashlib
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
    """(N,) digests of all photos."""
    files = map(photos.file, range(len(photos)))
    return np.fromiter(in_threads(digest, files), dtype=np.int64, count=len(photos))
