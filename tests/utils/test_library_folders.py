"""Libraries have folders to write to, whoever runs the program."""

import os
import stat
from pathlib import Path

import pytest

from posture_classifier.cache.directory import cache_directory
from posture_classifier.utils.errors import UserError
from posture_classifier.utils.library_folders import FOLDERS, ensure_library_folders
from posture_classifier.utils.paths import expand_path

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows gives every user a home")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for this user's temporary files; no variable names any other."""
    for name in FOLDERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp" / f"posture_classifier-{os.getuid()}"


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user whose number no passwd knows, as in a container."""

    def unknown(number: int) -> None:
        raise KeyError(number)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_home_that_can_be_written_to_needs_nothing(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ensure_library_folders()
    assert not FOLDERS.keys() & set(os.environ)
    assert not temporary.exists()
    assert cache_directory() == tmp_path / ".cache" / "posture_classifier"


def test_without_a_home_all_lies_in_a_folder_of_the_users_own(temporary: Path, no_home: None) -> None:
    with pytest.raises(RuntimeError):
        Path.home()
    ensure_library_folders()
    assert Path.home() == temporary
    assert stat.S_IMODE(temporary.stat().st_mode) == 0o700
    assert cache_directory() == temporary / ".cache" / "posture_classifier"


@pytest.mark.parametrize("path", ["~/runs", "$HOME/runs"])
def test_results_do_not_go_among_temporary_files(temporary: Path, no_home: None, path: str) -> None:
    ensure_library_folders()
    with pytest.raises(UserError, match="home"):
        expand_path(path)


def test_a_home_that_does_not_exist_is_none(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    ensure_library_folders()
    assert Path.home() == temporary


def test_a_closed_home_keeps_what_lies_in_it(temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights may have been put there, and can be read."""
    home = tmp_path / "closed"
    (home / ".cache").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", "/mine")
    monkeypatch.setattr("os.access", lambda path, mode: home not in (Path(path), *Path(path).parents))
    ensure_library_folders()
    assert "XDG_CACHE_HOME" not in os.environ
    assert os.environ["XDG_CONFIG_HOME"] == "/mine"
    assert os.environ["XDG_DATA_HOME"] == str(temporary / ".local/share")


def test_a_trap_among_temporary_files_is_refused(temporary: Path, no_home: None, tmp_path: Path) -> None:
    temporary.symlink_to(tmp_path)
    with pytest.raises(UserError, match=temporary.name):
        ensure_library_folders()
