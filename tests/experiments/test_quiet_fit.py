"""What a fold prints goes to a file; of its warnings the terminal shows what is new."""

import warnings
from pathlib import Path

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
