"""What ``fit`` finds by itself, from digests alone."""

import re
import shutil

import numpy as np
import pytest

from posture_classifier.check.digest_check import check_digests
from tests.helpers.check_folders import make_photos
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit

SPLITS = ["train", "train", "val", "test"]


def test_photos_that_share_nothing_are_fine() -> None:
    _, fine = check_digests(make_photos([0, 0, 1, 1], splits=SPLITS), np.array([1, 2, 3, 4]))
    assert fine


def test_copies_contradictions_leaks_and_large_groups_are_counted() -> None:
    found, fine = check_digests(make_photos([0, 0, 1, 1], ["a", "a", "b", "c"], SPLITS), np.array([1, 1, 1, 4]))
    assert not fine
    counts = ["2 files", "1 photo", "1 val", "0 test", "group a has 50%"]
    assert [count for count in counts if re.search(rf"\b{count}(?!\w)", found)] == counts


def test_fit_warns_of_what_digests_tell(fit: Fit, draw_folder: DrawFolder) -> None:
    root = draw_folder()
    shutil.copy(root / "left/person1_0.png", root / "right/person1_wrong.png")
    with pytest.warns(UserWarning, match=r"1 file .*1 photo "):
        fit(root)
