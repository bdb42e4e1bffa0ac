"""Commands that ``fit`` prints lead on, with its own options, and are taken to the letter."""

import json
import re
from pathlib import Path

import pytest

from posture_classifier.app.workplace import find_workplace
from posture_classifier.check.group_proposals import suggested_groups
from posture_classifier.cli.program import main
from posture_classifier.data.folder import read_folder
from tests.helpers.advice import arguments_of, follow
from tests.helpers.photos import DrawFolder
from tests.helpers.program import Fit


def printed_command(text: str) -> str:
    (command,) = re.findall(r": (python -m posture_classifier (?:fit|crossval) .*)$", text, re.MULTILINE)
    return str(command)


@pytest.mark.parametrize(
    "options",
    [
        ("--data.holdout_groups", "person1"),
        pytest.param((), marks=pytest.mark.slow),
        pytest.param(("--data.folds", "4", "--data.fold", "1"), marks=pytest.mark.slow),
    ],
)
def test_few_groups_are_told_once_with_a_command_that_tests_all(
    draw_folder: DrawFolder, fit: Fit, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(draw_folder(people=4), *options)
    printed = capsys.readouterr().out
    summary = json.loads((run / "summary.json").read_text())
    assert summary["accuracy"]["too_few"] == "1 group"
    assert "few_groups" in summary["status"]
    assert len(re.findall("too few", printed)) == 1
    assert "unknown" not in printed
    if "--data.holdout_groups" in options:
        assert "1 group is tested," in printed
    command = printed_command(printed)
    assert arguments_of(command)[0] == "crossval"
    splits = follow(command)
    assert len(splits) == 4
    assert all(len(split.in_split("test").groups.unique()[0]) == 1 for split in splits)


@pytest.mark.slow
def test_the_command_is_followed_to_its_end(
    tmp_path: Path, draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(draw_folder(people=4), "--data.group_pattern", "null")
    command = printed_command(capsys.readouterr().out)
    assert main(arguments_of(command)) == 0
    summary = json.loads((tmp_path / "lightning_logs" / "photos" / "crossval_0" / "summary.json").read_text())
    assert (summary["folds"], summary["groups"], summary["images"]) == (4, 4, 16)


def test_groups_that_names_suggest_are_told_before_the_training(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(draw_folder(people=4), "--data.group_pattern", "null")
    printed = capsys.readouterr().out
    warned, _, rest = printed.partition("test split")
    assert warned.count("warning: no groups are named") == 1
    assert "4 groups (person0 4, person1 4, person2 4, person3 4)" in warned
    assert rest
    assert {group for split in follow(printed_command(warned)) for group in split.groups.tolist()} == {
        f"person{number}" for number in range(4)
    }


def test_whoever_chose_is_not_warned_and_without_a_bar_no_epochs_are_listed(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    fit(draw_folder(), "--data.group_pattern", "null", "--data.group_by", "none")
    printed = capsys.readouterr().out
    assert "warning" not in printed
    assert "stages open" not in printed


@pytest.mark.slow
def test_many_groups_are_suggested_to_fit(draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    fit(draw_folder(people=12), "--data.group_pattern", "null")
    command = printed_command(capsys.readouterr().out)
    assert arguments_of(command)[0] == "fit"
    (split,) = follow(command)
    assert split.grouped


@pytest.mark.parametrize(
    ("names", "suggested"),
    [
        (["glass/glass1.jpg", "glass/glass2.jpg", "paper/paper1.jpg", "paper/paper2.jpg"], False),
        (["a/1.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg"], False),
        (["a/anna_1.jpg", "a/ben_2.jpg", "b/anna_3.jpg", "b/ben_4.jpg"], True),
    ],
)
def test_names_that_only_repeat_the_class_suggest_nobody(tmp_path: Path, names: list[str], suggested: bool) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert (suggested_groups(read_folder(tmp_path)) is not None) == suggested


def test_fit_ends_with_the_page_that_tries_the_network(
    draw_folder: DrawFolder, fit: Fit, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit(draw_folder())
    words = arguments_of(capsys.readouterr().out.rstrip().rpartition(": ")[2])
    assert words[0] == "app"
    assert find_workplace(Path(words[1])).checkpoint == run / "checkpoints" / "best.ckpt"
