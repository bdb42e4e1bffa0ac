"""The headline of ``check`` where its cache knows every photo: ``fit`` says it without a scan."""

import numpy as np

from posture_classifier.cache.directory import cache_directory
from posture_classifier.check.group_proposals import Grouping, given_groups, propose_groups
from posture_classifier.check.group_ridge import head_features
from posture_classifier.check.headline import Headline, make_headline, missing_facts
from posture_classifier.data.folder import Photos
from posture_classifier.data.scan.cache import FILE_NAME, ScanCache
from posture_classifier.data.scan.near_duplicates import connect, find_links
from posture_classifier.data.scan.scan import Scan
from posture_classifier.images.depth import WhiteLevels
from posture_classifier.images.facts import Facts
from posture_classifier.utils.types import Ints

MOST_PHOTOS = 3000
"""Photos from which ``fit`` would begin noticeably later."""


def cached_headline(
    photos: Photos, digests: Ints, white: WhiteLevels, grouping: tuple[str, ...], more: tuple[str, ...]
) -> Headline | None:
    """Make the headline from what an earlier ``check`` has read of the photos.

    Args:
        photos: N photos with their groups; ``splits`` are the user's own, or empty.
        digests: (N,) digest of each file; 0 where it cannot be read.
        white: The values that are white in photos of more than 8 bits.
        grouping: The options that made the groups; empty if none did.
        more: The other options that choose photos, such as ``--data.exclude``.

    Returns:
        None where there are too many photos, one that was not scanned, or too few of a class.
    """
    if len(photos) > MOST_PHOTOS or missing_facts(photos.labels, list(photos.classes)):
        return None
    scan = _cached_scan(digests, white)
    if scan is None:
        return None
    if photos.grouped:
        proposals = given_groups(photos, scan, photos.labels, Grouping(grouping, np.asarray(photos.groups)), more)
    else:

        def near_duplicates() -> Ints:
            return connect(len(photos), [(link.first, link.second) for link in find_links(scan)])

        proposals = propose_groups(photos, scan, photos.labels, near_duplicates, more)
    return make_headline(photos, head_features(scan.features, scan.stages), photos.labels, proposals)


def _cached_scan(digests: Ints, white: WhiteLevels) -> Scan | None:
    """What is cached of all photos; None if one is missing. Nothing is written."""
    if not (cache_directory() / FILE_NAME).is_file():
        return None
    found = []
    with ScanCache(white) as cache:
        for digest in digests.tolist():
            if digest == 0 or (entry := cache.get(Facts(None, digest))) is None:
                return None
            found.append(entry)
    last, stages = (np.stack(part) for part in zip(*(features for _, features in found), strict=True))
    return Scan([facts for facts, _ in found], last, stages=stages)
