"""The command line answers at once, names its commands, and turns a full disk into one sentence."""

import builtins
import errno
import io
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from posture_classifier import __version__
from posture_classifier.cli import commands
from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import REPOSITORY, Fit


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=240, check=True)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["fit", "--help"], ["fit", "--help", "all"], ["predict", "--help"]])
def test_quick_answers_import_no_torch(words: list[str]) -> None:
    loaded = python("-X", "importtime", "-m", "posture_classifier", *words).stderr
    assert "posture_classifier.cli" in loaded
    assert not any(name in loaded for name in ("| torch", "| lightning", "| timm", "| numpy", "| matplotlib", "| wandb"))


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{__version__}\n"


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]])
def test_help_lists_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    listed = set(re.findall(r"^  (\w+)  +\S", capsys.readouterr().out, re.MULTILINE))
    files = {path.stem for path in Path(commands.__path__[0]).glob("[a-z]*.py")}
    assert listed == {"fit", "validate", "test"} | files
    assert all(callable(getattr(import_module(f"{commands.__name__}.{name}"), name)) for name in files)


@pytest.mark.slow
def test_importing_asks_no_network_and_no_wandb() -> None:
    program = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('network')\n"
        "socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import posture_classifier.training.fit, posture_classifier.inference, posture_classifier.cli.commands.predict\n"
        "import posture_classifier.costs\n"
        "from posture_classifier.images.augmentation import Augmentation, DEFAULT_TRANSFORMS\n"
        "Augmentation(DEFAULT_TRANSFORMS, 0)\n"
        "print('imported', 'wandb' in sys.modules)"
    )
    assert python("-c", program).stdout == "imported False\n"


@pytest.mark.parametrize("name", ["config.yaml", "split.csv", "metrics.csv", "summary.json"])
def test_a_full_disk_anywhere_is_one_sentence(
    draw_folder: DrawFolder, fit: Fit, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = io.open

    def full(file: object, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if "w" in mode and name in str(file):
            raise OSError(errno.ENOSPC, "No space left on device", str(file))
        return original(file, mode, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(io, "open", full)
    monkeypatch.setattr(builtins, "open", full)
    fit(draw_folder(), code=2)
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "No space left on device" in error
    assert name in error
    assert "Traceback" not in error


def test_a_reader_that_has_enough_ends_the_command_quietly() -> None:
    command = [sys.executable, "-m", "posture_classifier", "configs"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=REPOSITORY)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
