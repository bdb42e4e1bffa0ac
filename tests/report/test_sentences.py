"""What a page advises on few people, classes without photos, and networks that say one class."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from posture_classifier.report.finished_run import FinishedRun, choice_by_validation, read_finished_run
from posture_classifier.report.probability_sections import calibration_section, thresholds_section
from posture_classifier.report.result_section import groups_section, lead
from posture_classifier.utils.types import Ints
from tests.helpers.made_runs import finish_run, make_run, some_right

Right = npt.NDArray[np.bool_]


def made(folder: Path, right: Right, each: int = 5, labels: Ints | None = None, validation: Right | None = None) -> FinishedRun:
    grouped = each > 1
    return read_finished_run(finish_run(make_run(folder / "run", right, each, labels=labels), validation, grouped))


def alarm(run: FinishedRun) -> str:
    return str(thresholds_section(run, choice_by_validation(run), 0.9, None).body)


def calibration(run: FinishedRun) -> str:
    return str(calibration_section(run, choice_by_validation(run)).body)


def one_class_said(n: int) -> Right:
    return np.array([True, False] * (n // 2))


def test_a_good_network_gets_no_caveat_and_an_alarm(tmp_path: Path) -> None:
    run = made(tmp_path, some_right(0.8, 1), validation=some_right(0.8, 2))
    assert "no photo of them was trained on" in lead(run, [])
    assert "Always saying left would be right for 50 %" in lead(run, [])
    for name in ("left", "right"):
        assert f"To catch 90 % of {name}, raise the alarm" in alarm(run), "which is the alarm is not guessed"


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_few_people_are_told_once(tmp_path: Path, n_groups: int) -> None:
    run = made(tmp_path, some_right(0.8, 1, n_groups * 20), each=20)
    page = str(lead(run, [])) + str(groups_section(run).body)
    assert page.count("too few to say how others will fare") == 1
    assert "worst hold" not in page, "the three worst are all that there are"


def test_a_network_that_says_one_class_is_no_alarm(tmp_path: Path) -> None:
    run = made(tmp_path, one_class_said(100), validation=one_class_said(40))
    assert "It says left of all 100 photos" in lead(run, [])
    assert "No alarm is advised" in alarm(run)
    assert "raise the alarm" not in alarm(run)


def test_a_network_at_chance_is_no_alarm_and_the_commonest_class_is_named_once(tmp_path: Path) -> None:
    run = made(tmp_path, some_right(0.5, 1), validation=some_right(0.5, 2))
    assert str(lead(run, [])).count("always saying left") == 1
    assert "Always saying left" not in lead(run, [])
    assert "No alarm is advised" in alarm(run)


def test_a_class_without_test_photos_gets_no_advice(tmp_path: Path) -> None:
    run = made(tmp_path, some_right(0.8, 1), labels=np.zeros(100, dtype=np.int64), validation=some_right(0.8, 2))
    assert "right has no test photos" in lead(run, [])
    assert "raise the alarm" not in alarm(run)
    assert "cannot be said" in alarm(run)


def test_two_test_photos(tmp_path: Path) -> None:
    run = made(tmp_path, np.array([True, True]), each=1, validation=some_right(0.8, 2))
    for told in ("2 of 2 test photos", "No groups are named", "rest on 2 photos"):
        assert str(lead(run, [])).count(told) == 1


@pytest.mark.parametrize(
    ("right", "validation", "expected"),
    [
        (some_right(0.8, 1, 400), some_right(0.8, 1, 400), "It is less sure than it could be"),
        (some_right(0.55, 1, 400), some_right(0.55, 1, 400), "It is too sure of itself"),
        (some_right(0.55, 1, 400), some_right(0.9, 1, 400), "Leave its probabilities as they are"),
        (some_right(0.68, 1, 20), some_right(0.65, 1, 400), "It is not shown that a temperature helps"),
    ],
)
def test_a_temperature_is_advised_only_where_it_is_shown_to_help(
    tmp_path: Path, right: Right, validation: Right, expected: str
) -> None:
    told = calibration(made(tmp_path, right, validation=validation))
    sentences = ["It is less sure", "It is too sure", "Leave its probabilities", "It is not shown that a temperature"]
    assert [sentence for sentence in sentences if sentence in told] == [sentence for sentence in sentences if sentence in expected]


def test_one_group_cannot_say_whether_a_temperature_helps(tmp_path: Path) -> None:
    told = calibration(made(tmp_path, some_right(0.7, 1, 40), each=40, validation=some_right(0.7, 2)))
    assert "Whether a temperature would help cannot be said" in told
