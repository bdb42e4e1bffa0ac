"""What a comparison says where little can be said: few people, ties, one class, one entry."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from posture_classifier.compare.comparison import Comparison
from posture_classifier.compare.configurations import group_runs
from posture_classifier.compare.costs import ConfigurationCosts
from posture_classifier.compare.sentences import limits, recommendation, what_would_settle_it
from posture_classifier.runs.reading import read_tested_run
from posture_classifier.utils.types import Ints
from tests.helpers.made_runs import make_run, settings, some_right

Right = npt.NDArray[np.bool_]


def compare(folder: Path, rights: list[Right], each: int = 10, labels: Ints | None = None) -> Comparison:
    names = ["resnet18", "lenet5"][: len(rights)]
    runs = [make_run(folder / name, right, each, settings(name), labels) for name, right in zip(names, rights, strict=True)]
    configurations = group_runs([read_tested_run(run) for run in runs])
    unknown = ConfigurationCosts(**dict.fromkeys(ConfigurationCosts.__dataclass_fields__))
    return Comparison.of(configurations, [unknown] * len(configurations), "accuracy", 0.02)


def test_equal_entries_are_level_and_neither_is_ahead(tmp_path: Path) -> None:
    right = some_right(0.8, 1, 150)
    found = compare(tmp_path, [right, right])
    assert "resnet18 and lenet5 are level so far" in recommendation(found)
    assert "ahead" not in recommendation(found)
    assert limits(found) == []


def test_test_photos_of_one_class_decide_nothing(tmp_path: Path) -> None:
    found = compare(tmp_path, [some_right(0.8, 1, 150), some_right(0.6, 2, 150)], labels=np.zeros(150, dtype=np.int64))
    assert "are of left, so always saying it would be right every time" in recommendation(found)
    assert what_would_settle_it(found)[0] == "Test photos of every class would settle it."
    assert limits(found) == ["right has no test photos: the figures say nothing of it."]


def test_entries_below_chance_are_not_told_apart_from_the_other_but_from_nothing(tmp_path: Path) -> None:
    """The whole interval lies below what one class alone would give."""
    found = compare(tmp_path, [some_right(0.3, 1, 150), some_right(0.2, 2, 150)])
    assert "better than always saying left (0.500)" in recommendation(found)


@pytest.mark.parametrize("n_groups", [2, 3])
def test_few_people_are_told_once(tmp_path: Path, n_groups: int) -> None:
    n = 20 * n_groups
    found = compare(tmp_path, [some_right(0.8, 1, n), some_right(0.5, 2, n)], each=20)
    assert recommendation(found).startswith("Nothing is recommended on this evidence. resnet18 is ahead so far")
    said = " ".join([*limits(found), *what_would_settle_it(found)])
    assert said.count("cannot tell 2 entries apart") == 1
    assert "too few to say" not in said


def test_two_photos_of_nobody_in_particular(tmp_path: Path) -> None:
    found = compare(tmp_path, [np.array([True, True]), np.array([True, False])], each=1)
    assert recommendation(found).startswith("Nothing is recommended")
    assert [sentence.split(",")[0] for sentence in limits(found)] == ["No groups are named", "The figures rest on 2 photos"]


def test_an_entry_that_is_alone_is_not_to_be_taken(tmp_path: Path) -> None:
    found = compare(tmp_path, [np.arange(150) % 2 == 0])
    assert found.chosen is None
    assert limits(found) == ["It says left of all 150 photos, so it tells nothing apart."]
    assert "nothing to compare it with" in recommendation(found)
