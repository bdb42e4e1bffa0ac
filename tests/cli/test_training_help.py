"""``fit --help`` lists what matters on a page, and everything on request."""

import os
import re
import shutil

import pytest

from posture_classifier.cli.program import main
from posture_classifier.cli.training_help import MAIN_OPTIONS
from posture_classifier.training.fit_help import FILE


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_the_main_options_exist_and_fit_a_terminal(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    text = capsys.readouterr().out
    listed = re.findall(r"^  --([\w.]+)$", text, re.MULTILINE)
    assert listed == list(MAIN_OPTIONS["fit" if command == "fit" else "evaluation"])
    assert set(listed) <= set(re.findall(r"^  --([\w.]+)$", FILE.read_text(encoding="utf-8"), re.MULTILINE))
    assert max(map(len, text.splitlines())) <= 80
    assert f"{command} --help all" in text


def test_the_defaults_are_those_of_the_parser(capsys: pytest.CaptureFixture[str]) -> None:
    main(["fit", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--data.batch_size Photos a step. Default: 32." in text
    assert "--trainer.max_epochs Number of epochs. Default: 20." in text


@pytest.mark.parametrize("columns", [60, 100])
def test_all_options_are_folded_between_words(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "get_terminal_size", lambda *_, **__: os.terminal_size((columns, 24)))
    assert main(["fit", "--help", "all"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line) for line in lines if line.startswith("      ") and " " in line.strip()) <= columns
    assert " ".join(lines).split()[-2000:] == FILE.read_text(encoding="utf-8").split()[-2000:], "nothing is lost"
