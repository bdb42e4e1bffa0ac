"""Reads all photos once: their facts and their features, computed in batches and cached."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.data.deep_photos import DeepPhotos, find_deep_photos
from posture_classifier.data.scan.cache import PhotoFeatures, ScanCache
from posture_classifier.data.scan.similarity import Features
from posture_classifier.images.decode import DecodeError, fetched
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import Facts, identify, read_facts
from posture_classifier.utils.threads import map_in_threads

BATCH_SIZE = 32
ProgressCallback = Callable[[int, int], None]
"""Called with the number of photos that were read, and of all."""


class ReadPhoto(NamedTuple):
    """What was read of one photo.

    Attributes:
        facts: Facts about the file.
        features: Its features, if they were cached.
        square: (H, W, 3) pixels to compute the features from, if they were not. A photo that cannot
            be read has neither.
    """

    facts: Facts
    features: PhotoFeatures | None = None
    square: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Scan:
    """Facts and features of N photos, in their order.

    Attributes:
        facts: Facts about each of the N files.
        features: (N, D) float32 of unit length, by the frozen network; zeros where a photo cannot
            be read.
        deep: Those of more than 8 bits, and what is white in them.
        stages: (N, S) the earlier stages of the same network, as in ``PhotoFeatures``.
    """

    facts: list[Facts]
    features: Features
    deep: DeepPhotos = field(default_factory=DeepPhotos)
    stages: npt.NDArray[np.float16] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float16))

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """(N,) whether each photo can be read."""
        return np.array([fact.error is None for fact in self.facts], dtype=np.bool_)


def scan_photos(files: Sequence[str | Path], progress: ProgressCallback) -> Scan:
    """Read photos in batches, on all cores; what is cached of a photo, by its content, is reused.

    The threads hold two batches at any time, whatever the number of photos, so memory grows only by
    the 13 KB of facts and features of each photo.
    """
    deep = find_deep_photos(files)
    facts: list[Facts] = []
    rows: list[PhotoFeatures | None] = []
    with ScanCache(deep.white) as cache:
        photos = map_in_threads(partial(_read, cache=cache, white=deep.white), files, ahead=2 * BATCH_SIZE)
        while batch := list(islice(photos, BATCH_SIZE)):
            facts += [photo.facts for photo in batch]
            rows += _batch_features(batch, cache)
            progress(len(facts), len(files))
    empty = next((row for row in rows if row is not None), PhotoFeatures(np.zeros(1, np.float32), np.zeros(1, np.float16)))
    last, stages = zip(*(row or PhotoFeatures(*map(np.zeros_like, empty)) for row in rows), strict=True)
    return Scan(facts, np.stack(last), deep, np.stack(stages))


def _read(path: str | Path, cache: ScanCache, white: WhiteLevels) -> ReadPhoto:
    try:
        source = fetched(path)
    except DecodeError as error:
        return ReadPhoto(Facts(str(error), 0))
    identity = identify(source)
    if cached := cache.get(identity):
        return ReadPhoto(*cached)
    from posture_classifier.data.scan.features import feature_extractor

    facts, image = read_facts(source, identity, white)
    return ReadPhoto(facts, square=None if image is None else feature_extractor().square(image))


def _batch_features(batch: list[ReadPhoto], cache: ScanCache) -> list[PhotoFeatures | None]:
    """Return the features of each photo; those that are not cached yet are computed together."""
    features = [photo.features for photo in batch]
    new = {index: photo.square for index, photo in enumerate(batch) if photo.square is not None}
    if new:
        # Imported late: a folder that is cached should not cost the seconds that torch takes.
        from posture_classifier.data.scan.features import feature_extractor

        computed = dict(zip(new, feature_extractor().extract(list(new.values())), strict=True))
        cache.put([(batch[index].facts, row) for index, row in computed.items()])
        for index, row in computed.items():
            features[index] = row
    return features
