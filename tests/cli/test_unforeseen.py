"""What nobody foresaw is one sentence, a file with the traceback, and exit code 1."""

import re
import tempfile
from pathlib import Path

import pytest

from posture_classifier.cli import program
from posture_classifier.cli.program import main
from tests.helpers.photos import DrawFolder
from tests.helpers.program import fit_arguments, run_forked


def broken(arguments: list[str]) -> int:
    raise KeyError("\x1b[2Jsecret\nsecond line")


@pytest.fixture
def _broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(program, "_run", broken)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.usefixtures("_broken")
def test_a_sentence_names_the_file_with_the_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: KeyError")
    assert error.count("\n") == 1
    assert "\x1b" not in error
    (file,) = tmp_path.iterdir()
    assert str(file) in error
    assert "Traceback" in file.read_text()
    assert "broken" in file.read_text()


@pytest.mark.usefixtures("_broken")
def test_without_room_for_a_file_the_traceback_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    assert main(["fit"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: KeyError")
    assert "Traceback" in error


def test_a_file_that_the_system_refuses_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "a" * 300]) == 2
    assert capsys.readouterr().err.startswith("error: aaa")


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
def test_ranks_that_fail_say_so_in_sentences(
    ranks: int, tmp_path: Path, draw_folder: DrawFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of two may hear that the other has failed before it fails itself, and says that."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    callback = "[{class_path: tests.helpers.callbacks.DividesByZero}]"
    options = ["--trainer.callbacks", callback] + (["--trainer.devices", "2", "--trainer.strategy", "ddp"] if ranks > 1 else [])
    log = tmp_path / "log"
    codes = run_forked(*fit_arguments(draw_folder(), tmp_path, 1), *options, log=log, ranks=ranks)
    assert codes == [1] * ranks
    written = log.read_text()
    files = re.findall(r"error: ZeroDivisionError.*?(/\S+\.txt)", written)
    assert 1 <= len(set(files)) <= ranks
    assert all("on_train_epoch_end" in Path(file).read_text() for file in files)
    assert "Traceback" not in written
