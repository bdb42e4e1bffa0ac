"""From which distance on a photo counts as unlike the training photos."""

from math import ceil

import numpy as np

from posture_classifier.utils.types import Floats

FALSE_ALARMS = 0.05
"""Share of photos of the same kind, of people not seen, that may be said to be unlike."""


def distance_threshold(distances: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """Choose the distance that new photos of the same kind exceed as rarely as is wanted.

    The quantile of split conformal prediction (Vovk et al. 2005), which allows for how few photos
    there are; of very few it is the largest distance.

    Args:
        distances: (N,) of photos that were not trained on.
        false_alarms: Wanted share, above 0 and below 1.

    Example:
        >>> distance_threshold(np.arange(1.0, 101.0)), distance_threshold(np.array([1.0, 1.5]))
        (96.0, 1.5)
    """
    rank = ceil((len(distances) + 1) * (1 - false_alarms) - 1e-9)
    return float(np.sort(distances)[min(rank, len(distances)) - 1])
