"""What a report advises to photograph and to do next: only what its figures show."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from posture_classifier.report.finished_run import FinishedRun, read_finished_run
from posture_classifier.report.known_check import KnownCheck
from posture_classifier.report.next_photos_section import next_photos_section
from posture_classifier.report.result_section import groups_section
from tests.helpers.made_runs import finish_run, make_run, some_right


def made(folder: Path, right: np.ndarray, each: int = 10, labels: np.ndarray | None = None) -> FinishedRun:
    return read_finished_run(finish_run(make_run(folder / "run", right, each, labels=labels), grouped=each > 1))


def known(**texts: str) -> KnownCheck:
    return KnownCheck(
        Path("check.json"), "fine", [{"severity": "note", "kind": kind, "text": text} for kind, text in texts.items()]
    )


def advice(run: FinishedRun, check: KnownCheck | None = None) -> list[str]:
    body = str(next_photos_section(run, check).body)
    return [unescape(re.sub("<[^>]*>", "", line)) for line in re.findall("<li>(.*?)</li>", body)]


def test_a_group_that_is_harder_is_named_and_chance_is_not(tmp_path: Path) -> None:
    right = np.ones(200, dtype=bool)
    right[30:38] = False  # 8 of the 10 photos of person003
    right[[55, 120, 161]] = False
    line = advice(made(tmp_path / "one", right))[1]
    assert "like person003 (2 of 10 right)" in line
    assert "person005" not in line
    line = advice(made(tmp_path / "other", some_right(0.8, 1, 200)))[1]
    assert "No group is shown to be harder" in line
    assert "95 % interval" in line


def test_a_class_that_is_harder_is_named_with_its_interval(tmp_path: Path) -> None:
    right = np.ones(200, dtype=bool)
    right[np.arange(0, 120, 4)] = False  # 30 of the 100 photos of left, of 12 of 20 people
    line = advice(made(tmp_path / "one", right))[1]
    low, high = map(float, re.findall(r"interval (\S+) to (\S+)\)", line.replace("\N{MINUS SIGN}", "-"))[-1])
    assert "Photograph more of left: 70 of its 100 photos are found, 100 of the other 100" in line
    assert "\N{MINUS SIGN}30.0 points" in line
    assert low < -30 < high < 0
    right[np.arange(1, 120, 4)] = False
    assert "not shown to be harder than the rest" in advice(made(tmp_path / "both", right))[1]


def test_few_groups_show_nothing(tmp_path: Path) -> None:
    assert "cannot be said of so few groups" in advice(made(tmp_path, some_right(0.7, 1, 40), each=20))[1]
    three = advice(made(tmp_path / "three", some_right(0.6, 1, 60), each=20))[1]
    low, high = map(float, re.findall(r"interval (\S+) to (\S+)\)", three.replace("\N{MINUS SIGN}", "-"))[-1])
    assert -100 <= low < high <= 100, "no difference of shares is larger"
    one_class = made(tmp_path / "one class", some_right(0.7, 1, 40), labels=np.zeros(40, dtype=np.int64))
    assert "harder than the rest" not in advice(one_class)[1]


def test_what_check_found_is_told_and_what_it_did_not_look_for_is_not_known(tmp_path: Path) -> None:
    run = made(tmp_path, some_right(0.8, 1))
    people, _, ways = advice(run)
    assert "not known before check" in people
    assert "not known before check" in ways
    check = known(more_groups="From 29 for 82 %.", light_shortcut="Light alone finds 80 %.", dark="Dark.")
    people, _, ways = advice(run, check)
    assert people.endswith("From 29 for 82 %.")
    assert ways.endswith("Light alone finds 80 %.")
    assert "Neither light nor" in advice(run, known(more_groups="."))[2]
    assert advice(run, known(unchecked="Shortcuts were not looked for."))[2].endswith("were not looked for.")


def rows(run: FinishedRun) -> tuple[list[str], list[str]]:
    """Groups that are shown, and those that are folded."""
    shown, _, folded = str(groups_section(run).body).partition("<details>")
    return tuple(re.findall(r'<th scope="row">(.*?)</th>', part) for part in (shown, folded))  # type: ignore[return-value]


def test_groups_without_errors_are_summed_up(tmp_path: Path) -> None:
    right = np.ones(200, dtype=bool)
    right[[3, 4, 25]] = False
    run = made(tmp_path, right)
    assert rows(run) == (["person000", "person002"], [])
    assert "All photos are right in 18 of 20 groups (180 photos)" in str(groups_section(run).body)


def test_many_small_groups_and_more_than_a_few_are_folded(tmp_path: Path) -> None:
    small = made(tmp_path / "small", np.tile([False, False, True, True], 20), each=2)
    shown, folded = rows(small)
    assert (len(shown), len(folded)) == (0, 20)
    assert "<summary>20 groups with errors, 0 of 40 photos right</summary>" in str(groups_section(small).body)
    large = made(tmp_path / "large", np.tile([False, True, True, True, True], 20), each=5)
    assert list(map(len, rows(large))) == [8, 12]
    few = made(tmp_path / "few", np.array([False, *[True] * 79]), each=2)
    assert rows(few) == (["person000"], []), "few groups with errors are shown, however small"


@pytest.mark.parametrize("each", [1, 20])
def test_no_errors_and_no_groups(tmp_path: Path, each: int) -> None:
    run = made(tmp_path, np.ones(40, dtype=bool), each)
    assert rows(run) == ([], [])
    assert "No photo is wrong" in advice(run)[1]
    assert "points" not in advice(run)[1]
