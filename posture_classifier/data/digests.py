"""What a photo is, whatever it is called and wherever it lies."""

import os

import numpy as np
import numpy.typing as npt

from posture_classifier.data.folder import Photos
from posture_classifier.images.digest import digest
from posture_classifier.utils.threads import map_in_threads


def digests(photos: Photos) -> npt.NDArray[np.int64]:
    """(N,) digests of all photos; 0 of what is no file that can be read, which decoding it will name."""
    files = map(photos.file, range(len(photos)))
    return np.fromiter(map_in_threads(_digest_if_file, files), dtype=np.int64, count=len(photos))


def _digest_if_file(path: str) -> int:
    try:
        return digest(path) if os.path.isfile(path) else 0  # a pipe would be waited for
    except OSError:
        return 0
