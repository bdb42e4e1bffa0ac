"""Groups that names alone suggest, of which ``fit`` warns before it trains without any."""

import numpy as np

from posture_classifier.check.group_proposals import Grouping, groupings_by_name
from posture_classifier.data.folder import Photos

ACROSS_CLASSES = 0.5
"""Least share of the photos whose group has photos of other classes, too: what only repeats the
class, as in ``glass12.jpg``, is no person."""


def suggested_groups(photos: Photos) -> Grouping | None:
    r"""The most certain groups that names suggest where photos have none; no file is read.

    Example:
        >>> from posture_classifier.data.folder import read_folder
        >>> suggested_groups(read_folder("photos")).option
        "--data.group_pattern 'person\\d+'"
    """
    return next((each for each in groupings_by_name(photos) if _share_across_classes(each, photos) >= ACROSS_CLASSES), None)


def _share_across_classes(grouping: Grouping, photos: Photos) -> float:
    _, codes = np.unique(grouping.groups, return_inverse=True)
    present = np.zeros((codes.max() + 1, len(photos.classes)), dtype=bool)
    present[codes, photos.labels] = True
    return float((present.sum(1) > 1)[codes].mean())
