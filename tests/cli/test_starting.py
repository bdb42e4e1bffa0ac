"""A command says at once that it has begun, and leaves nothing of it behind."""

import io
import sys

import pytest

from posture_classifier.cli.program import main
from posture_classifier.cli.starting import ERASE_LINE, starting


class Screen(io.StringIO):
    """A terminal in memory."""

    def isatty(self) -> bool:
        return True


def show(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """One screen for both streams; no fixture, after which pytest puts back its own."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    made = Screen()
    monkeypatch.setattr(sys, "stdout", made)
    monkeypatch.setattr(sys, "stderr", made)
    return made


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_it_stands_until_anything_is_printed(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    screen = show(monkeypatch)
    with starting("fit"):
        assert screen.getvalue().startswith("fit: ")
        assert "\n" not in screen.getvalue()
        assert ERASE_LINE not in screen.getvalue()
        print("first", file=getattr(sys, stream))
        print("second", file=sys.stderr)
    assert screen.getvalue().partition(ERASE_LINE)[2] == "first\nsecond\n"
    assert sys.stdout is sys.stderr is screen


def test_it_is_erased_when_nothing_was_printed_or_an_error_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = show(monkeypatch)
    with starting("fit"):
        pass
    assert screen.getvalue().endswith(ERASE_LINE)
    assert main(["check", "nowhere"]) == 2
    assert screen.getvalue().rpartition(ERASE_LINE)[2].startswith("error: nowhere")


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("LOCAL_RANK", "1")])
def test_a_terminal_that_cannot_erase_and_a_further_rank_get_none(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    screen = show(monkeypatch)
    monkeypatch.setenv(name, value)
    with starting("fit"):
        pass
    assert screen.getvalue() == ""


def test_a_pipe_gets_none(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "nowhere"]) == 2
    assert capfd.readouterr().err.startswith("error: nowhere")
