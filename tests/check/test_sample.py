"""What stays together in the folds of ``check``."""

import numpy as np

from posture_classifier.check.sample import join_groups
from tests.helpers.check_folders import make_photos


def test_what_shares_a_group_or_a_cluster_stays_together() -> None:
    """Photo 1 is a copy of photo 2, so the groups a and b are one; c is alone."""
    assert join_groups(make_photos([0] * 5, ["a", "a", "b", "b", "c"]), np.array([0, 1, 1, 3, 4])).tolist() == [0, 0, 0, 0, 4]
