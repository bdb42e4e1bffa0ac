"""What a photo is, whatever it is called and wherever it lies."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos


def digest(path: Path) -> int:
    """64-bit BLAKE2b of the file's bytes, as a signed integer."""
    with path.open("rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=8))
    return int.from_bytes(hashed.digest(), "big", signed=True)


def digests(photos: Photos, threads: int) -> npt.NDArray[np.int64]:
    """(N,) digests of all photos."""
    with ThreadPoolExecutor(threads) as pool:
        files = map(photos.file, range(len(photos)))
        return np.array(list(pool.map(digest, files)), dtype=np.int64)
