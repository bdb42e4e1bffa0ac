"""What a fold prints goes to a file; of its warnings the terminal shows what is new."""

import sys
import time
import warnings
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from posture_classifier.experiments import quiet_fit
from posture_classifier.utils.console import say
from posture_classifier.utils.errors import UserError


def test_the_terminal_shows_each_kind_of_warning_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def talk(arguments: list[str], _: object) -> None:
        say(f"options: {arguments}")
        warnings.warn(f"{arguments[1]} of 8 photos have a near-copy", stacklevel=1)

    monkeypatch.setattr(quiet_fit, "_WatchedFit", talk)
    shown: set[str] = set()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for number in ("3", "4"):
            quiet_fit.fit_quietly([number], tmp_path / "fold" / "fit.log", "fold", shown)
    assert [str(each.message) for each in warned] == ["3 of 8 photos have a near-copy"]
    assert capsys.readouterr().out == ""
    log = (tmp_path / "fold" / "fit.log").read_text()
    for said in ("options: ['fit', '3']", "options: ['fit', '4']", "4 of 8 photos have a near-copy"):
        assert said in log


class _Screen(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_epoch_while_it_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = _Screen()

    def train(_: object, watcher: Any) -> None:
        watcher.tell("epoch 2 of 7")
        end = time.monotonic() + 10
        while "fold 1: epoch 2 of 7" not in screen.getvalue() and time.monotonic() < end:
            time.sleep(0.02)
        say("what it prints")
        assert "fold 1: epoch 2 of 7" in screen.getvalue()

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(quiet_fit, "_WatchedFit", train)
    quiet_fit.fit_quietly([], tmp_path / "fit.log", "fold 1", set())
    assert (tmp_path / "fit.log").read_text() == "what it prints\n", "nothing of the line is in the file"


def test_an_error_of_a_fold_is_that_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise UserError("no photo is left")

    monkeypatch.setattr(quiet_fit, "_WatchedFit", fail)
    shown = warnings.showwarning
    with pytest.raises(UserError, match="no photo is left"):
        quiet_fit.fit_quietly([], tmp_path / "fit.log", "fold", set())
    say("and then")
    assert capsys.readouterr().out == "and then\n", "what comes after is on the terminal again"
    assert warnings.showwarning is shown
