"""The list of options that ``--help`` prints is that of the parser, and complete."""

import re
import subprocess
import sys

import pytest

from posture_classifier.cli.program import main
from posture_classifier.training.fit import PostureCLI
from posture_classifier.training.fit_help import FILE, SECTIONS


def test_the_list_is_current() -> None:
    # In a process of its own: typing remembers whether Union[int, float] or Union[float, int] was
    # first, whoever imported it.
    program = "from posture_classifier.training.fit_help import option_list; print(option_list(), end='')"
    current = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert FILE.read_text(encoding="utf-8") == current, "python -m posture_classifier.training.fit_help writes it"


@pytest.mark.parametrize("command", ["fit", "validate", "test"])
def test_the_help_names_every_option_of_the_parser(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help", "all"]) == 0
    ours = capsys.readouterr().out
    with pytest.raises(SystemExit):
        PostureCLI([command, "--help"])
    usage = capsys.readouterr().out.partition("\n\n")[0]
    names = set(re.findall(r"^  --([\w.]+)$", ours, re.MULTILINE))
    wanted = set(re.findall(r"\[?--([\w.]+)", usage)) | {"config", "data.root"}
    assert names == wanted - {"print_config", "help", *SECTIONS}


def test_each_option_has_its_words_type_and_default_and_our_own_come_first() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert re.findall(r"^(\w+):$", text, re.MULTILINE) == list(SECTIONS)
    paragraphs = dict(re.findall(r"^  --(\S+)\n((?:      .*\n)+)", text, re.MULTILINE))
    assert paragraphs["data.batch_size"].endswith("(type: int, default: 32)\n")
    assert "type: str | null" in paragraphs["data.root"], "a table may stand in its place"
    assert "default: 20" in paragraphs["trainer.max_epochs"], "our default, not Lightning's"
    assert all(words.partition("(")[0].strip() for words in paragraphs.values()), "none without a description"
    assert max(map(len, text.splitlines())) <= 100
