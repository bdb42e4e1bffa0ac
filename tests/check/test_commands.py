"""Commands are advised only where ``fit`` and ``crossval`` take the photos."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posture_classifier.check.commands import advise_command
from posture_classifier.data.folds import fold_split, folds_work
from posture_classifier.data.split import check_classes, split_photos
from tests.helpers.advice import arguments_of
from tests.helpers.photos import photos_of

GROUPS = st.lists(st.lists(st.integers(0, 1), min_size=1, max_size=6), min_size=1, max_size=14)
"""Labels of the photos of each group."""


@pytest.mark.filterwarnings("ignore:the test split")
@settings(deadline=None, max_examples=60)
@given(groups=GROUPS)
def test_what_is_advised_is_possible(groups: list[list[int]]) -> None:
    photos = photos_of(groups, 2)
    command = advise_command(photos, ("--data.group_pattern", "g"))
    if command is None:
        assert min(len({group for group, labels in enumerate(groups) if label in labels}) for label in (0, 1)) < 5
        return
    name, *options = arguments_of(command)
    if name == "fit":
        assert len(groups) >= 10 or not any(folds_work(photos, folds, 0.15, 0) for folds in range(2, len(groups) + 1))
        chosen = dict(zip(options[::2], options[1::2], strict=True))
        val, test = float(chosen.get("--data.val_fraction", 0.15)), float(chosen.get("--data.test_fraction", 0.2))
        check_classes(split_photos(photos, {"train": 1 - val - test, "val": val, "test": test}, seed=0))
        return
    folds = int(options[-1])
    splits = [fold_split(photos, folds, fold, 0.15, seed=0) for fold in range(folds)]
    for split in splits:
        check_classes(split)
    assert np.sum([split.splits == "test" for split in splits], axis=0).tolist() == [1] * len(photos)


def test_few_people_are_all_tested() -> None:
    assert arguments_of(advise_command(photos_of([[0, 1]] * 4, 2), ()) or "")[-2:] == ["--data.folds", "4"]
    assert arguments_of(advise_command(photos_of([[0, 1]] * 20, 2), ()) or "")[0] == "fit"
    assert advise_command(photos_of([[0, 1]] * 2, 2), ()) is None
