"""Files are found under any name that a folder may have."""

from pathlib import Path

import pytest

from posture_classifier.utils.files import matching_paths


@pytest.fixture(params=["set [a]", "set*", "what?", "[!x]"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder whose name could be a pattern, beside folders that the pattern would match."""
    for folder in (request.param, "set a", "sets", "what1", "y"):
        for name in ("one.txt", "deeper/two.txt"):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
    return tmp_path / request.param


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
