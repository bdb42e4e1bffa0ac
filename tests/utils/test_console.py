"""A name that controls a terminal does nothing there."""

import warnings

import pytest
from rich.table import Table

from posture_classifier.training.messages import quiet
from posture_classifier.utils.console import say
from posture_classifier.utils.text import shortlist

NAME = "a\x1b[2J\x9b31m\u202eb\udce9.jpg"


def test_nothing_of_a_name_reaches_the_terminal_as_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(NAME, title=NAME, caption=NAME)
    table.add_row(NAME)
    say(f"photo {NAME}", table, style="red")
    written = capsys.readouterr().out
    assert written.count("[2J") == 5
    assert not set("\x1b\x9b\u202e\udce9") & set(written)


def test_nor_by_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warnings, "formatwarning", None)
    with warnings.catch_warnings():
        quiet()
        written = warnings.formatwarning(UserWarning(NAME), UserWarning, "file.py", 1)
    assert "[2J" in written
    assert not set("\x1b\x9b\u202e\udce9") & set(written)


def test_a_line_end_in_a_name_begins_no_sentence_of_its_own() -> None:
    assert "\n" not in shortlist(["a.jpg\nerror: all is lost", "b"])
