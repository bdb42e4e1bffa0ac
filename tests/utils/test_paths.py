"""Paths mean what a shell would make of them, and what exists is meant literally."""

from pathlib import Path

import pytest

from posture_classifier.utils.errors import UserError
from posture_classifier.utils.paths import expand_path, matching_paths


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with variables set."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"HOME": "/home/anna", "USERPROFILE": "/home/anna", "PHOTOS": "/data"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NOT_SET", raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("~", "/home/anna"),
        ("~/runs", "/home/anna/runs"),
        ("$HOME/runs", "/home/anna/runs"),
        ("${PHOTOS}/a b", "/data/a b"),
        ("$PHOTOS/*/x[1].jpg", "/data/*/x[1].jpg"),
        ("$NOT_SET/runs", "$NOT_SET/runs"),
        ("photos/~old", "photos/~old"),
        ("last", "last"),
        ("wandb:me/project", "wandb:me/project"),
    ],
)
def test_home_and_variables(place: Path, text: str, expanded: str) -> None:
    assert expand_path(text) == expanded


@pytest.mark.parametrize("name", ["~", "$HOME", "a/$PHOTOS", "~/deeper"])
def test_what_exists_is_meant_literally_and_what_lies_in_it(place: Path, name: str) -> None:
    (place / name).mkdir(parents=True)
    assert expand_path(name) == name
    assert expand_path(f"{name}/new") == f"{name}/new"


def test_a_home_that_nobody_has_is_a_sentence(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda text: text)
    with pytest.raises(UserError, match=r"~/runs.*HOME"):
        expand_path("~/runs")


@pytest.fixture(params=["set [a]", "set*", "what?", "[!x]"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder whose name could be a pattern, beside folders that the pattern would match."""
    for folder in (request.param, "set a", "sets", "what1", "y"):
        for name in ("one.txt", "deeper/two.txt"):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path / str(request.param)


def test_what_exists_is_no_pattern(odd: Path) -> None:
    assert matching_paths(str(odd)) == [odd]
    assert matching_paths(str(odd / "*.txt")) == [odd / "one.txt"]
    assert matching_paths(str(odd / "**" / "*.txt")) == [odd / "deeper" / "two.txt", odd / "one.txt"]


def test_everything_else_is_one(odd: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = odd.parent
    assert matching_paths(str(parent / "s[e]t a")) == [parent / "set a"]
    assert matching_paths(str(parent / "no*such")) == []
    monkeypatch.chdir(parent)
    assert matching_paths("ye*") == []
    assert matching_paths(f"{odd.name}/one*") == [Path(odd.name) / "one.txt"]
