"""One pass over all photos: facts and features, decoded on all cores while the network computes, and kept for the next time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.data.scan.cache import Features, ScanCache
from posture_classifier.images.facts import Facts, identify, read_facts
from posture_classifier.utils.threads import map_in_threads

BATCH = 32
Progress = Callable[[int, int], None]
"""Told how many photos of how many were read."""


class Read(NamedTuple):
    """Of one file its facts, and its features or the square that they are still to be computed of; neither if it is damaged."""

    facts: Facts
    features: Features | None = None
    square: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Scan:
    """What is known of N photos, in their order.

    Attributes:
        facts: N of them.
        features: (N, D) float32 of unit length, by the frozen network; zeros where a photo cannot be read.
    """

    facts: list[Facts]
    features: Features

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        """(N,)."""
        return np.array([fact.error is None for fact in self.facts], dtype=np.bool_)


def scan(files: list[Path], progress: Progress) -> Scan:
    """Read photos in batches; those that were read before, under whatever name, are taken from the cache.

    Two batches are in the threads' hands at any time, whatever the number of photos, so memory grows only by the 9 KB that
    are kept of each.
    """
    facts: list[Facts] = []
    rows: list[Features | None] = []
    with ScanCache() as cache:
        results = map_in_threads(partial(_read, cache=cache), files, ahead=2 * BATCH)
        while batch := list(islice(results, BATCH)):
            facts += [result.facts for result in batch]
            rows += _seen(batch, cache)
            progress(len(facts), len(files))
    width = max((len(row) for row in rows if row is not None), default=1)
    return Scan(facts, np.stack([np.zeros(width, dtype=np.float32) if row is None else row for row in rows]))


def _read(path: Path, cache: ScanCache) -> Read:
    known = identify(path)
    if kept := cache.get(known):
        return Read(*kept)
    from posture_classifier.data.scan.features import feature_extractor

    facts, image = read_facts(path, known)
    return Read(facts, square=None if image is None else feature_extractor().square(image))


def _seen(results: list[Read], cache: ScanCache) -> list[Features | None]:
    """The features of each result; those of squares are computed together, and kept."""
    rows = [result.features for result in results]
    new = [(index, result.square) for index, result in enumerate(results) if result.square is not None]
    if new:
        # Imported late: a folder that was looked at before should not cost the seconds that torch takes.
        from posture_classifier.data.scan.features import feature_extractor

        features = feature_extractor().look([square for _, square in new])
        cache.put([(results[index].facts, row) for (index, _), row in zip(new, features, strict=True)])
        for (index, _), row in zip(new, features, strict=True):
            rows[index] = row
    return rows
