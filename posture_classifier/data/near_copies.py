"""Copies and near-copies on two sides of a split, as far as ``check`` has seen the photos."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from posture_classifier.cache.directory import cache_directory
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.alignment import LEAST_CONTRAST, Sketches
from posture_classifier.data.scan.cache import FILE_NAME, ScanCache
from posture_classifier.data.scan.near_duplicates import (
    COPY_BITS,
    COPY_CORRELATION,
    COPY_COSINE,
    SCENE_BITS,
    SCENE_COSINE,
    coarse_pictures,
    perceptual_hash,
)
from posture_classifier.data.scan.similarity import Features, similarity_blocks
from posture_classifier.data.seen import LEARNT_FROM
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import Facts
from posture_classifier.utils.text import plural
from posture_classifier.utils.types import Ints

MOST_PHOTOS = 20_000
"""Photos up to which near-copies are looked for, 10 core seconds; copies are in any number."""


class NearCopies(NamedTuple):
    """How many photos of a split have a copy or near-copy among those that were learnt from.

    Attributes:
        images: Photos that have one.
        known: Photos that ``check`` has seen, of which near-copies are known; of the others only
            copies byte for byte are.
        of: Photos of the split.
    """

    images: int
    known: int
    of: int


class _Seen(NamedTuple):
    """What a scan knows of M photos: places (M,) among all, sketches (M, 64, 64), features."""

    places: Ints
    sketches: Sketches
    features: Features

    def of(self, chosen: npt.NDArray[np.bool_]) -> "_Seen":
        mask = chosen[self.places]
        return _Seen(self.places[mask], self.sketches[mask], self.features[mask])


def find_near_copies(photos: Photos, digests: Ints, white: WhiteLevels) -> dict[str, NearCopies]:
    """Count the copies and near-copies of each split among the photos that it is to judge.

    Near-copies are what ``check`` links by the same bounds (``near_duplicates``), here every pair
    and no chains. Nothing is decoded: what an earlier scan left in the cache is compared.

    Args:
        photos: N photos with their splits.
        digests: (N,) digest of each file; 0 where it cannot be read.
        white: The values that are white in photos of more than 8 bits.
    """
    seen = _seen_before(digests, white)
    result = {}
    for split, learnt_from in LEARNT_FROM.items():
        judging, learnt = photos.splits == split, np.isin(photos.splits, learnt_from)
        if not judging.any():
            continue
        found = judging & np.isin(digests, digests[learnt]) & (digests != 0)
        known = judging & False
        if seen is not None:
            ours = seen.of(judging)
            known[ours.places] = True
            found[ours.places[_have_near_copy(ours, seen.of(learnt))]] = True
        result[split] = NearCopies(int(found.sum()), int(known.sum()), int(judging.sum()))
    return result


def _seen_before(digests: Ints, white: WhiteLevels) -> _Seen | None:
    """Read what the cache of scans knows of the photos; None if that is nothing."""
    if len(digests) > MOST_PHOTOS or not (cache_directory() / FILE_NAME).is_file():
        return None
    with ScanCache(white) as cache:
        cached = [cache.get(Facts(None, digest)) for digest in digests.tolist()]
    known = [(place, facts.sketch, row.last) for place, each in enumerate(cached) if each for facts, row in [each]]
    if not known:
        return None
    places, sketches, features = zip(*known, strict=True)
    return _Seen(np.array(places), np.stack(sketches), np.stack(features))


def _have_near_copy(ours: _Seen, others: _Seen) -> npt.NDArray[np.bool_]:
    """(M,) whether each photo has a near-copy among others."""
    result = np.zeros(len(ours.places), dtype=np.bool_)
    if not len(ours.places) or not len(others.places):
        return result
    hashes, other_hashes = perceptual_hash(ours.sketches), perceptual_hash(others.sketches)
    pictures, other_pictures = (coarse_pictures(each.sketches).reshape(-1, 32 * 32) for each in (ours, others))
    for rows, cosine in similarity_blocks(ours.features, others.features):
        bits = np.bitwise_count(hashes[rows, None] ^ other_hashes)
        copies = (bits <= COPY_BITS) & (cosine >= COPY_COSINE) & (pictures[rows] @ other_pictures.T >= COPY_CORRELATION)
        result[rows] = (copies | (bits <= SCENE_BITS) & (cosine >= SCENE_COSINE)).any(1)
    result &= ours.sketches.std((1, 2)) >= LEAST_CONTRAST  # of one colour there is nothing to compare
    return result


def describe_near_copies(found: dict[str, NearCopies]) -> str:
    """Say how many photos have a near-copy among those learnt from; nothing if none has.

    Example:
        >>> describe_near_copies({"val": NearCopies(0, 90, 90), "test": NearCopies(118, 120, 120)})
        '118 of 120 test photos have a near-copy among the photos that are learnt from'
    """
    counts = [
        f"{'at least ' if each.known < each.of else ''}{each.images} of {plural(each.of, f'{split} photo')}"
        for split, each in reversed(found.items())
        if each.images
    ]
    return f"{' and '.join(counts)} have a near-copy among the photos that are learnt from" if counts else ""
